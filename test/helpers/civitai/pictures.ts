import type { Origins } from './documents.ts'

/** An image of CivitAI's gallery, with a page of its own. */
export interface Picture {
  id: number
  /** What the content network answers. */
  bytes: Buffer
  /** `png` unless told. */
  ending?: string
  meta?: Record<string, unknown> | null
  /** Laid over the answered document: `nsfwLevel`, `modelVersionId`, `modelVersionIds` … */
  extra?: Record<string, unknown>
}

const mediaTypes: Record<string, string> = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp', mp4: 'video/mp4', webm: 'video/webm' }

export function pictureDocument ({ id, ending = 'png', meta = null, extra }: Picture, { storage }: Origins): Record<string, unknown> {
  const video = ending === 'mp4' || ending === 'webm'
  return { id, url: `${storage}/media/${id}.${ending}`, type: video ? 'video' : 'image', nsfwLevel: 'None', width: 512, height: 768, meta, ...extra }
}

export function mediaTypeOf ({ ending = 'png' }: Picture): string {
  return mediaTypes[ending] ?? 'application/octet-stream'
}

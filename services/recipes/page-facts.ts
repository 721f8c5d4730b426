import type { CivitaiImageDocument } from '../civitai/schema.ts'
import { isObject } from '../models/read-value.ts'
import { smallerRendition } from '../models/civitai-media-url.ts'

/** What CivitAI says of one of its images, as imports use it. */
export interface PageFacts {
  imageId: number
  /** Address of the smaller rendition, and of the image as it was uploaded. */
  url: string
  originalUrl: string
  video: boolean
  /** What it says of the making; null when it says nothing of that. */
  meta: Record<string, unknown> | null
  /** 1 PG, 2 PG13, 4 R, 8 X, 16 XXX, 32 blocked; 0 unknown. */
  level: number
  /** The one version that the image belongs to, null when none is named. */
  versionId: number | null
}

/** Words for levels, of both generations of the API. */
const levels: Readonly<Record<string, number>> = { none: 1, pg: 1, pg13: 2, soft: 2, r: 4, mature: 4, x: 8, xxx: 16, blocked: 32 }

/** An answer without one of these tells nothing of how the image was made. */
const telling = [
  'prompt', 'negative_prompt', 'resources', 'civitaiResources', 'hashes', 'params', 'generationData', 'Workflow', 'prompt_type', 'positive', 'negative', 'modelVersionIds'
]

/** Null when the answer names no address. */
export function readPageFacts (imageId: number, document: CivitaiImageDocument): PageFacts | null {
  const image: Readonly<Record<string, unknown>> = document
  const { url } = document
  if (url === undefined || url === '') return null
  const video = image.type === 'video' || /\.(?:mp4|webm)$/i.test(pathOf(url))
  const versionId = image.modelVersionId
  return {
    imageId,
    url: smallerRendition(url, video ? 'video' : 'image'),
    originalUrl: url,
    video,
    meta: metaOf(image),
    level: levelOf(image),
    versionId: typeof versionId === 'number' && Number.isSafeInteger(versionId) && versionId > 0 ? versionId : null
  }
}

function metaOf (image: Readonly<Record<string, unknown>>): Record<string, unknown> | null {
  const outer = isObject(image.meta) ? image.meta : {}
  const meta: Record<string, unknown> = { ...(isObject(outer.meta) ? outer.meta : outer) }
  const ids: unknown = image.modelVersionIds
  if (Array.isArray(ids) && ids.length > 0) meta.modelVersionIds = ids
  return telling.some((key) => Object.hasOwn(meta, key)) ? meta : null
}

/** A number above 0 under `browsingLevel`, else the word or number under `nsfwLevel`. */
export function levelOf (image: Readonly<Record<string, unknown>>): number {
  for (const value of [image.browsingLevel, image.nsfwLevel]) {
    const level = typeof value === 'string' ? levels[value.toLowerCase().replaceAll(/[^a-z0-9]/g, '')] ?? 0 : value
    if (typeof level === 'number' && Number.isSafeInteger(level) && level > 0) return level
  }
  return 0
}

function pathOf (url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : ''
}

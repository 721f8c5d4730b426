import { smallerRendition } from '../models/civitai-media-url.ts'
import type { CivitaiImageDocument } from './schema.ts'

/** Levels from which media count as mature, by the setting `mature_blur_level`. */
const thresholds: Readonly<Record<string, number>> = { PG13: 2, R: 4, X: 8, XXX: 16 }

export interface PreviewPreferences {
  /** Setting `blur_mature_content`. */
  blur: boolean
  /** Setting `mature_blur_level`. */
  level: string
}

export interface ChosenMedia {
  image: CivitaiImageDocument
  url: string
  /** The smaller rendition, or null where the host has none. */
  smaller: string | null
  kind: 'image' | 'video'
  nsfwLevel: number
}

/** A level that is missing or a word counts as 0. */
export function nsfwLevelOf ({ nsfwLevel }: Pick<CivitaiImageDocument, 'nsfwLevel'>): number {
  return typeof nsfwLevel === 'number' && Number.isFinite(nsfwLevel) && nsfwLevel >= 0 ? Math.trunc(nsfwLevel) : 0
}

/** The image or video to show for a model: the first, or with blurring the first below the level, else the mildest. */
export function choosePreview (images: readonly CivitaiImageDocument[], { blur, level }: PreviewPreferences): ChosenMedia | null {
  const [first, ...rest] = images.filter(({ url }) => url !== undefined && url !== '')
  if (!first) return null
  if (!blur) return chosen(first)
  const threshold = thresholds[level.toUpperCase()] ?? thresholds.R ?? 4
  const mild = [first, ...rest].find((image) => nsfwLevelOf(image) < threshold)
  return chosen(mild ?? rest.reduce((mildest, image) => nsfwLevelOf(image) < nsfwLevelOf(mildest) ? image : mildest, first))
}

function chosen (image: CivitaiImageDocument): ChosenMedia {
  const url = image.url ?? ''
  const kind = image.type === 'video' || /\.(mp4|webm|mov)(?:$|\?)/i.test(url) ? 'video' : 'image'
  const smaller = smallerRendition(url, kind)
  return { image, url, smaller: smaller === url ? null : smaller, kind, nsfwLevel: nsfwLevelOf(image) }
}

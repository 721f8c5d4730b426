import { readImageMetadata } from './read-metadata.ts'
import type { ImageSource } from './metadata-types.ts'
import type { MediaEnding } from './sniff-media.ts'

export interface Dimensions { width: number, height: number }

/** Whose size clients lay cards out by (recipes §2.4). */
const measured: ReadonlySet<MediaEnding | null> = new Set(['.png', '.jpg', '.webp', '.gif'])

/** Pixels of an image as it is shown, from its header; null for video, formats of other cards, and what can't be read. */
export async function imageDimensions (source: ImageSource): Promise<Dimensions | null> {
  try {
    const { format, width, height, orientation } = await readImageMetadata(source, { stealth: false })
    if (!measured.has(format) || !width || !height) return null
    return orientation >= 5 ? { width: height, height: width } : { width, height }
  } catch {
    return null
  }
}

import { exifBlock, type RenewExif } from './exif-block.ts'
import { createMetadataCollector } from './metadata-collector.ts'
import type { EmbeddedTexts } from './metadata-types.ts'
import { readExif } from './read-exif.ts'
import { sniffMedia } from './sniff-media.ts'
import { withPngTexts } from './write-png.ts'
import { withWebpExif } from './write-webp.ts'
import { withJpegExif } from './write-jpeg.ts'

/**
 * The image with these texts in place of those it had, not a pixel touched; other texts and profiles stay. Null for containers
 * that carry none (video, AVIF, JPEG XL, GIF), for broken files, and for a JPEG whose texts exceed what one may hold.
 */
export function embedTexts (image: Buffer, texts: EmbeddedTexts): Buffer | null {
  const renewed: RenewExif = (old) => exifBlock(texts, old ? orientationOf(old) : 1)
  const format = sniffMedia(image.subarray(0, 4096))
  if (format === '.png') return withPngTexts(image, texts)
  if (format === '.webp') return withWebpExif(image, renewed)
  if (format === '.jpg') return withJpegExif(image, renewed)
  return null
}

function orientationOf (block: Buffer): number {
  const collector = createMetadataCollector(null)
  readExif(block, collector)
  return collector.orientation
}

import type { RenewExif } from './exif-block.ts'
import { EXIF_HEADER } from './read-jpeg.ts'

/** A segment counts its length in 16 bits. */
const MAX_SEGMENT = 65_533

/** The JPEG with another EXIF block, right behind its start; null when it is broken or the block too long. */
export function withJpegExif (image: Buffer, renew: RenewExif): Buffer | null {
  const kept: Buffer[] = []
  let old: Buffer | null = null
  for (let at = 2; at + 4 <= image.length;) {
    if (image[at] !== 0xff) return null
    const marker = image.readUInt8(at + 1)
    // From the scan on nothing is ours.
    if (marker === 0xda || marker === 0xd9) {
      const exif = exifSegment(renew(old))
      return exif && Buffer.concat([image.subarray(0, 2), exif, ...kept, image.subarray(at)])
    }
    const end = marker === 0xff ? at + 1 : at + 2 + image.readUInt16BE(at + 2)
    if (end > image.length) return null
    const isExif = marker === 0xe1 && image.subarray(at + 4, at + 4 + EXIF_HEADER.length).equals(EXIF_HEADER)
    if (!isExif) kept.push(image.subarray(at, end))
    else old ??= image.subarray(at + 4 + EXIF_HEADER.length, end)
    at = end
  }
  return null
}

/** Empty for no block, null for one that doesn't fit. */
function exifSegment (block: Buffer | null): Buffer | null {
  if (!block) return Buffer.alloc(0)
  const length = EXIF_HEADER.length + block.length
  if (length > MAX_SEGMENT) return null
  const head = Buffer.from([0xff, 0xe1, 0, 0])
  head.writeUInt16BE(length + 2, 2)
  return Buffer.concat([head, EXIF_HEADER, block])
}

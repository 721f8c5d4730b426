import type { ByteSource } from './byte-source.ts'
import { decodeLatinOrUtf8, decodeUtf8 } from './decode-text.ts'
import type { MetadataCollector } from './metadata-collector.ts'
import { readExif } from './read-exif.ts'
import { readXmp } from './read-xmp.ts'

export const EXIF_HEADER = Buffer.from('Exif\0\0', 'latin1')
const XMP_HEADER = 'http://ns.adobe.com/xap/1.0/\0'
const MAX_SEGMENTS = 2000
/** Start of frame of all kinds: DHT, JPG and DAC stand between them. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
const standsAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)

/** Segments before the pixels. */
export async function readJpeg (source: ByteSource, collector: MetadataCollector): Promise<void> {
  let at = 2
  for (let segments = 0; segments < MAX_SEGMENTS; segments++) {
    const header = await source.read(at, 4)
    if (header.length < 4 || header[0] !== 0xff) return
    const marker = header.readUInt8(1)
    if (marker === 0xff || standsAlone(marker)) {
      at += marker === 0xff ? 1 : 2
      continue
    }
    // Pixels begin, or the image ends.
    if (marker === 0xda || marker === 0xd9) return
    const length = header.readUInt16BE(2)
    if (length < 2) return
    if (marker === 0xe1 || marker === 0xfe || marker === 0xeb || isFrame(marker)) readSegment(marker, await source.read(at + 4, length - 2), collector)
    at += 2 + length
  }
}

function readSegment (marker: number, data: Buffer, collector: MetadataCollector): void {
  if (isFrame(marker)) {
    if (data.length < 5) return
    collector.height = data.readUInt16BE(1)
    collector.width = data.readUInt16BE(3)
  } else if (marker === 0xfe) collector.add('jpeg-comment', 'Comment', decodeLatinOrUtf8(data))
  else if (marker === 0xeb) collector.c2pa ||= data.toString('latin1', 0, 2) === 'JP'
  else if (data.subarray(0, EXIF_HEADER.length).equals(EXIF_HEADER)) readExif(data, collector)
  else if (data.toString('latin1', 0, XMP_HEADER.length) === XMP_HEADER) readXmp(decodeUtf8(data.subarray(XMP_HEADER.length)), collector)
}

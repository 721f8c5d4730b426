import type { ByteSource } from './byte-source.ts'
import { decodeUtf8 } from './decode-text.ts'
import { MAX_TEXT_BYTES, type MetadataCollector } from './metadata-collector.ts'
import { readExif } from './read-exif.ts'
import { readXmp } from './read-xmp.ts'

const MAX_CHUNKS = 20_000
/** Bytes of pixel chunks that tell the size. */
const HEAD = 10

/** Chunks of the RIFF container; frames are leapt over. */
export async function readWebp (source: ByteSource, collector: MetadataCollector): Promise<void> {
  let at = 12
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const header = await source.read(at, 8)
    if (header.length < 8) return
    const type = header.toString('latin1', 0, 4)
    const length = header.readUInt32LE(4)
    if (type === 'EXIF' || type === 'XMP ') {
      if (length > MAX_TEXT_BYTES) collector.warn('A text of the WebP was left out: it is too large')
      else {
        const data = await source.read(at + 8, length)
        if (type === 'EXIF') readExif(data, collector)
        else readXmp(decodeUtf8(data), collector)
      }
    } else if (type === 'C2PA') collector.c2pa = true
    else if (type.startsWith('VP8')) readSize(type, await source.read(at + 8, Math.min(length, HEAD)), collector)
    at += 8 + length + (length & 1)
  }
}

function readSize (type: string, data: Buffer, collector: MetadataCollector): void {
  if (data.length < 5) return
  if (type === 'VP8X' && data.length >= HEAD) {
    collector.hasAlpha = (data.readUInt8(0) & 0x10) !== 0
    setSize(collector, data.readUIntLE(4, 3) + 1, data.readUIntLE(7, 3) + 1)
  } else if (type === 'VP8L') {
    const bits = data.readUInt32LE(1)
    collector.hasAlpha ||= (bits & 0x10000000) !== 0
    setSize(collector, (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
  } else if (type === 'VP8 ' && data.length >= HEAD) setSize(collector, data.readUInt16LE(6) & 0x3fff, data.readUInt16LE(8) & 0x3fff)
}

/** The canvas comes first, and speaks for its frames. */
function setSize (collector: MetadataCollector, width: number, height: number): void {
  if (collector.width !== null) return
  collector.width = width
  collector.height = height
}

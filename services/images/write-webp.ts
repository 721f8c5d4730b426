import type { RenewExif } from './exif-block.ts'

interface Chunk { type: string, data: Buffer }

const HAS_EXIF = 0x08
const HAS_XMP = 0x04
const HAS_ALPHA = 0x10

/** The container with another EXIF chunk; null when it is no whole WebP. */
export function withWebpExif (image: Buffer, renew: RenewExif): Buffer | null {
  const chunks = chunksOf(image)
  const exif = renew(chunks?.find(({ type }) => type === 'EXIF')?.data ?? null)
  const kept = chunks?.filter(({ type }) => type !== 'EXIF' && type !== 'VP8X')
  const header = kept && headerFor(chunks?.find(({ type }) => type === 'VP8X')?.data, kept, exif !== null)
  if (!kept || !header) return null
  const xmp = kept.findIndex(({ type }) => type === 'XMP ')
  if (exif) kept.splice(xmp < 0 ? kept.length : xmp, 0, { type: 'EXIF', data: exif })
  const body = Buffer.concat([{ type: 'VP8X', data: header }, ...kept].map(writeChunk))
  const head = Buffer.alloc(12)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(body.length + 4, 4)
  head.write('WEBP', 8, 'latin1')
  return Buffer.concat([head, body])
}

function chunksOf (image: Buffer): Chunk[] | null {
  const chunks: Chunk[] = []
  const end = Math.min(image.length, 8 + image.readUInt32LE(4))
  for (let at = 12; at + 8 <= end;) {
    const length = image.readUInt32LE(at + 4)
    if (at + 8 + length > image.length) return null
    chunks.push({ type: image.toString('latin1', at, at + 4), data: image.subarray(at + 8, at + 8 + length) })
    at += 8 + length + (length & 1)
  }
  return chunks.some(({ type }) => type.startsWith('VP8') || type === 'ANMF') ? chunks : null
}

/** The extended header says which chunks there are; a simple file gets one made from its pixels' own. */
function headerFor (existing: Buffer | undefined, chunks: readonly Chunk[], exif: boolean): Buffer | null {
  const header = existing && existing.length >= 10 ? Buffer.from(existing.subarray(0, 10)) : newHeader(chunks)
  if (!header) return null
  const flags = header.readUInt8(0) & ~HAS_EXIF
  header.writeUInt8(flags | (exif ? HAS_EXIF : 0) | (chunks.some(({ type }) => type === 'XMP ') ? HAS_XMP : 0), 0)
  return header
}

function newHeader (chunks: readonly Chunk[]): Buffer | null {
  const header = Buffer.alloc(10)
  const lossless = chunks.find(({ type }) => type === 'VP8L')?.data
  const lossy = chunks.find(({ type }) => type === 'VP8 ')?.data
  let size: [number, number]
  if (lossless && lossless.length >= 5) {
    const bits = lossless.readUInt32LE(1)
    size = [bits & 0x3fff, (bits >>> 14) & 0x3fff]
    if (bits & 0x10000000) header.writeUInt8(HAS_ALPHA, 0)
  } else if (lossy && lossy.length >= 10) size = [(lossy.readUInt16LE(6) & 0x3fff) - 1, (lossy.readUInt16LE(8) & 0x3fff) - 1]
  else return null
  if (size[0] < 0 || size[1] < 0) return null
  header.writeUIntLE(size[0], 4, 3)
  header.writeUIntLE(size[1], 7, 3)
  return header
}

function writeChunk ({ type, data }: Chunk): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 0, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1)])
}

import { decodeUtf8 } from './decode-text.ts'
import type { MetadataCollector } from './metadata-collector.ts'
import type { ImageSource } from './metadata-types.ts'
import { pixelLanes, sharpNow } from './sharp-module.ts'

/** 15 ASCII bytes and a length in bits before the text itself. */
const HEAD_BITS = 152
const MAX_PIXELS = 64_000_000
const MAX_BYTES = 8 * 1024 * 1024

/** Which channels carry bits, and whether the text is packed. */
const magics: ReadonlyMap<string, { channels: 'alpha' | 'colour', packed: boolean }> = new Map([
  ['stealth_pnginfo', { channels: 'alpha', packed: false }],
  ['stealth_pngcomp', { channels: 'alpha', packed: true }],
  ['stealth_rgbinfo', { channels: 'colour', packed: false }],
  ['stealth_rgbcomp', { channels: 'colour', packed: true }]
])

/**
 * Text in the lowest bits of the pixels, as NovelAI and extensions of A1111 hide it: column by column from the left, top to
 * bottom, the first bit the highest of a byte. Only as many columns as needed are kept in memory.
 */
export async function readHiddenText (source: ImageSource, collector: MetadataCollector): Promise<void> {
  const { width, height } = collector
  if (width === null || height === null || width * height < HEAD_BITS || width * height > MAX_PIXELS) return
  try {
    const text = await pixelLanes.run(async () => await decode(source, width, height))
    if (text === null) return
    const plain = text.packed ? await collector.unpack('gunzip', text.bytes, MAX_BYTES) : text.bytes
    if (plain) collector.add('stealth-alpha', 'parameters', decodeUtf8(plain))
  } catch (error) {
    collector.warn(`The pixels could not be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function decode (source: ImageSource, width: number, height: number): Promise<{ bytes: Buffer, packed: boolean } | null> {
  const head = await pixelsOf(source, width, height, HEAD_BITS)
  for (const [magic, { channels, packed }] of magics) {
    const bits = head && bitReader(head, channels)
    if (!bits || bits(0, 15).toString('latin1') !== magic) continue
    const length = bits(120, 4).readUInt32BE(0)
    if (length % 8 !== 0 || length > MAX_BYTES * 8 || length > width * height * 3 - HEAD_BITS) return null
    const all = await pixelsOf(source, width, height, HEAD_BITS + length)
    return all && { bytes: bitReader(all, channels)(HEAD_BITS, length / 8), packed }
  }
  return null
}

interface Pixels { data: Buffer, width: number, height: number, channels: number }

/** The first columns, with at least so many pixels; null without an alpha channel. */
async function pixelsOf (source: ImageSource, width: number, height: number, pixels: number): Promise<Pixels | null> {
  const sharp = await sharpNow()
  const columns = Math.min(width, Math.ceil(pixels / height))
  const { data, info } = await sharp(source, { limitInputPixels: MAX_PIXELS, failOn: 'none' })
    .extract({ left: 0, top: 0, width: columns, height }).raw({ depth: 'uchar' }).timeout({ seconds: 20 }).toBuffer({ resolveWithObject: true })
  return info.channels === 4 || info.channels === 2 ? { data, width: info.width, height: info.height, channels: info.channels } : null
}

function bitReader ({ data, width, height, channels }: Pixels, which: 'alpha' | 'colour'): (firstBit: number, bytes: number) => Buffer {
  const perPixel = which === 'alpha' ? 1 : channels - 1
  const offset = which === 'alpha' ? channels - 1 : 0
  return (firstBit, bytes) => {
    const read = Buffer.alloc(bytes)
    for (let bit = 0; bit < bytes * 8; bit++) {
      const pixel = Math.floor((firstBit + bit) / perPixel)
      const at = ((pixel % height) * width + Math.floor(pixel / height)) * channels + offset + (firstBit + bit) % perPixel
      const byte = bit >> 3
      read[byte] = (read[byte] ?? 0) | (((data[at] ?? 0) & 1) << (7 - (bit & 7)))
    }
    return read
  }
}

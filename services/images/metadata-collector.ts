import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Carrier, ImageMetadata } from './metadata-types.ts'
import type { MediaEnding } from './sniff-media.ts'

/** A single text: as stored, and after it was unpacked (a bomb of 16 KB can claim gigabytes). */
export const MAX_TEXT_BYTES = 16 * 1024 * 1024
/** All texts of a file together. */
const MAX_ALL_BYTES = 48 * 1024 * 1024
const MAX_TEXTS = 512
/** What is packed better than this is a bomb; small texts may be of one letter. */
const MOST_PACKED = 200
const FREELY_UNPACKED = 1024 * 1024

const unpackers = { inflate: promisify(inflate), gunzip: promisify(gunzip), brotli: promisify(brotliDecompress) }

/** Gathers what readers of the formats find, within the limits of one file. */
export interface MetadataCollector extends ImageMetadata {
  /** Keeps a text unless it is empty, repeated or too much. */
  add (carrier: Carrier, keyword: string, text: string): void
  warn (warning: string): void
  /** Unpacked bytes, null (and a warning) where they are broken or too many. */
  unpack (packing: keyof typeof unpackers, packed: Buffer, mostBytes?: number): Promise<Buffer | null>
}

export function createMetadataCollector (format: MediaEnding | null): MetadataCollector {
  const metadata: ImageMetadata = { format, width: null, height: null, hasAlpha: false, orientation: 1, texts: [], c2pa: false, warnings: [] }
  let taken = 0
  const warn = (warning: string): void => {
    if (metadata.warnings.length < 20 && !metadata.warnings.includes(warning)) metadata.warnings.push(warning)
  }

  return Object.assign(metadata, {
    add (carrier: Carrier, keyword: string, raw: string) {
      const text = trimmedText(raw)
      if (text === '') return
      if (metadata.texts.length >= MAX_TEXTS || taken + text.length > MAX_ALL_BYTES) {
        warn('Further texts were left out: there are too many')
        return
      }
      taken += text.length
      if (!metadata.texts.some((other) => other.carrier === carrier && other.keyword === keyword && other.text === text)) metadata.texts.push({ carrier, keyword, text })
    },
    warn,
    async unpack (packing: keyof typeof unpackers, packed: Buffer, mostBytes = MAX_TEXT_BYTES) {
      const maxOutputLength = Math.min(mostBytes, MAX_ALL_BYTES - taken, Math.max(FREELY_UNPACKED, packed.length * MOST_PACKED))
      try {
        if (maxOutputLength <= 0) throw new RangeError('too much already')
        return await unpackers[packing](packed, { maxOutputLength })
      } catch (error) {
        warn(error instanceof RangeError ? 'A packed text was left out: it is too large' : 'A packed text is broken')
        return null
      }
    }
  })
}

/** Without a byte order mark before and NULs and white space after it. */
function trimmedText (text: string): string {
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let end = text.length
  while (end > start && (text.charCodeAt(end - 1) === 0 || /\s/.test(text.charAt(end - 1)))) end--
  return text.slice(start, end)
}

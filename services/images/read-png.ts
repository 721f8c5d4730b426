import type { ByteSource } from './byte-source.ts'
import { decodeLatinOrUtf8, decodeUtf8 } from './decode-text.ts'
import { MAX_TEXT_BYTES, type MetadataCollector } from './metadata-collector.ts'
import { readExif } from './read-exif.ts'
import { readXmp } from './read-xmp.ts'

export const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const MAX_CHUNKS = 20_000
/** Keyword of the text that is an XMP packet. */
export const XMP_KEYWORD = 'XML:com.adobe.xmp'
const alphaColours: ReadonlySet<number> = new Set([4, 6])

/** Texts of a PNG wherever they stand, also behind its pixels. */
export async function readPng (source: ByteSource, collector: MetadataCollector): Promise<void> {
  let at = PNG_SIGNATURE.length
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const header = await source.read(at, 8)
    if (header.length < 8) return
    const length = header.readUInt32BE(0)
    const type = header.toString('latin1', 4, 8)
    if (type === 'IEND') return
    if (type === 'IDAT') {
      at = await pastPixels(source, at, length)
      continue
    }
    if (readers[type]) {
      if (length > MAX_TEXT_BYTES) collector.warn('A text of the PNG was left out: it is too large')
      else await readers[type](await source.read(at + 8, length), collector)
    }
    at += 12 + length
  }
}

/**
 * Position of the first chunk behind a run of pixel chunks of one length. Encoders cut pixels into equal pieces, so whole
 * stretches are leapt over as long as a chunk of the same length stands where the leap ends.
 */
async function pastPixels (source: ByteSource, first: number, length: number): Promise<number> {
  const stride = 12 + length
  let at = first + stride
  for (let leap = 1; leap >= 1;) {
    const header = await source.read(at + (leap - 1) * stride, 8)
    if (header.length === 8 && header.readUInt32BE(0) === length && header.toString('latin1', 4, 8) === 'IDAT') {
      at += leap * stride
      leap *= 2
    } else leap = Math.floor(leap / 2)
  }
  return at
}

const readers: Readonly<Record<string, (data: Buffer, collector: MetadataCollector) => void | Promise<void>>> = {
  IHDR (data, collector) {
    if (data.length < 13) return
    collector.width = data.readUInt32BE(0)
    collector.height = data.readUInt32BE(4)
    collector.hasAlpha = alphaColours.has(data.readUInt8(9))
  },
  tRNS (_data, collector) { collector.hasAlpha = true },
  eXIf (data, collector) { readExif(data, collector) },
  caBX (_data, collector) { collector.c2pa = true },
  tEXt (data, collector) {
    const end = data.indexOf(0)
    if (end > 0) addText(data.toString('latin1', 0, end), decodeLatinOrUtf8(data.subarray(end + 1)), collector)
  },
  async zTXt (data, collector) {
    const end = data.indexOf(0)
    const text = end > 0 ? await collector.unpack('inflate', data.subarray(end + 2)) : null
    if (text) addText(data.toString('latin1', 0, end), decodeLatinOrUtf8(text), collector)
  },
  async iTXt (data, collector) {
    const end = data.indexOf(0)
    const language = data.indexOf(0, end + 3)
    const translated = data.indexOf(0, language + 1)
    if (end <= 0 || language < 0 || translated < 0) return
    const body = data.subarray(translated + 1)
    const text = data[end + 1] === 1 ? await collector.unpack('inflate', body) : body
    if (text) addText(data.toString('latin1', 0, end), decodeUtf8(text), collector)
  }
}

function addText (keyword: string, text: string, collector: MetadataCollector): void {
  if (keyword === XMP_KEYWORD) readXmp(text, collector)
  else if (keyword.startsWith('Raw profile type ')) readRawProfile(text, collector)
  else collector.add('png-text', keyword, text)
}

/** What ImageMagick of old makes of other profiles: name, length and hex digits on lines of their own. */
function readRawProfile (text: string, collector: MetadataCollector): void {
  const [name = '', , ...lines] = text.trim().split('\n')
  const bytes = Buffer.from(lines.join('').replaceAll(/\s/g, ''), 'hex')
  if (/^xmp$/i.test(name.trim())) readXmp(decodeUtf8(bytes), collector)
  else if (bytes.toString('latin1', 0, 4) === 'Exif') readExif(bytes, collector)
}

import { crc32 } from './crc32.ts'
import type { EmbeddedTexts } from './metadata-types.ts'
import { PNG_SIGNATURE } from './read-png.ts'

const textTypes: ReadonlySet<string> = new Set(['tEXt', 'zTXt', 'iTXt'])

/** Text chunks stand before the pixels, where every reader finds them. Null when it is no whole PNG. */
export function withPngTexts (image: Buffer, texts: EmbeddedTexts): Buffer | null {
  const own = new Set(['parameters', 'prompt', 'workflow'])
  const parts: Buffer[] = [PNG_SIGNATURE]
  let written = false
  for (let at = PNG_SIGNATURE.length; at + 12 <= image.length;) {
    const length = image.readUInt32BE(at)
    const type = image.toString('latin1', at + 4, at + 8)
    const end = at + 12 + length
    if (end > image.length) return null
    if ((type === 'IDAT' || type === 'IEND') && !written) {
      for (const [keyword, text] of Object.entries(texts)) if (text !== null) parts.push(textChunk(keyword, text))
      written = true
    }
    if (!textTypes.has(type) || !own.has(keywordAt(image, at + 8, end - 4))) parts.push(image.subarray(at, end))
    if (type === 'IEND') return Buffer.concat(parts)
    at = end
  }
  return null
}

function keywordAt (image: Buffer, start: number, end: number): string {
  const close = image.indexOf(0, start)
  return close < 0 || close > end ? '' : image.toString('latin1', start, close)
}

/** `tEXt` for plain text, else `iTXt`. */
function textChunk (keyword: string, text: string): Buffer {
  return isPlain(text)
    ? chunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'))
    : chunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')]))
}

/** Bytes above ASCII may be taken for UTF-8 by tolerant readers, so only plain text goes into `tEXt`. */
const isPlain = (text: string): boolean => /^[\t\n\r\u0020-\u007e]*$/.test(text)

function chunk (type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length)
  bytes.write(type, 4, 'latin1')
  data.copy(bytes, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}

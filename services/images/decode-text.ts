const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const utf8 = new TextDecoder('utf-8')

/** Bytes of a tag or chunk that says Latin-1 and often holds UTF-8: strict UTF-8 first, then Latin-1. */
export function decodeLatinOrUtf8 (bytes: Buffer): string {
  return decodeStrictUtf8(bytes) ?? bytes.toString('latin1')
}

export function decodeUtf8 (bytes: Buffer): string {
  return utf8.decode(bytes)
}

export function decodeStrictUtf8 (bytes: Buffer): string | null {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return null
  }
}

export type ByteOrder = 'little' | 'big'

/** UTF-16 whose byte order nobody tells for sure: by its mark, by where its NULs stand, by what reads as text; else `fallback`. */
export function decodeUtf16 (bytes: Buffer, fallback: ByteOrder): string {
  const even = bytes.subarray(0, bytes.length & ~1)
  return decodeUtf16As(even, utf16Order(even) ?? fallback)
}

export function decodeUtf16As (bytes: Buffer, order: ByteOrder): string {
  const even = bytes.subarray(0, bytes.length & ~1)
  const text = order === 'little' ? even.toString('utf16le') : Buffer.from(even).swap16().toString('utf16le')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** Bytes looked at to tell the order. */
const SAMPLE = 64

function utf16Order (bytes: Buffer): ByteOrder | null {
  if (bytes.length < 2) return null
  const mark = bytes.readUInt16BE(0)
  if (mark === 0xfeff) return 'big'
  if (mark === 0xfffe) return 'little'
  const sample = bytes.subarray(0, SAMPLE)
  let first = 0
  let second = 0
  for (let at = 0; at < sample.length; at += 2) {
    if (sample[at] === 0) first++
    if (sample[at + 1] === 0) second++
  }
  if (first !== second) return first > second ? 'big' : 'little'
  return byPlausibility(bytes.subarray(0, 4 * 1024))
}

/** Text without Latin letters: the order that gives whole characters of assigned blocks, and more ASCII between them. */
function byPlausibility (bytes: Buffer): ByteOrder | null {
  const [big, little] = [score(decodeUtf16As(bytes, 'big')), score(decodeUtf16As(bytes, 'little'))]
  return big === little ? null : big > little ? 'big' : 'little'
}

function score (text: string): number {
  let points = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code >= 0xd800 && code <= 0xdfff) points -= 10
    else if (code >= 0xe000 && code <= 0xf8ff) points -= 5
    else if (code < 0x20 && code !== 9 && code !== 10 && code !== 13) points -= 5
    else if (code < 0x7f || (code >= 0x3000 && code <= 0x30ff) || (code >= 0xff00 && code <= 0xff5e)) points += 2
    else if ((code >= 0x4e00 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3)) points += 1
  }
  return points
}

const charsets = [['UNICODE\0', 'unicode'], ['ASCII\0\0\0', 'ascii'], ['JIS\0\0\0\0\0', 'jis'], ['\0\0\0\0\0\0\0\0', 'ascii']] as const

/**
 * EXIF UserComment: 8 bytes of charset and the text. `UNICODE` is UTF-16 in either order (the A1111 family writes big-endian in
 * little-endian blocks), now and then UTF-8; `ASCII` and none hold UTF-8; some writers leave the charset out altogether.
 */
export function decodeUserComment (bytes: Buffer, order: ByteOrder): string {
  const prefix = bytes.toString('latin1', 0, 8)
  const known = charsets.find(([name]) => name === prefix)
  if (!known) return decodeUtf8(bytes)
  const body = bytes.subarray(8)
  if (known[1] === 'ascii') return decodeUtf8(body)
  if (known[1] === 'jis') return new TextDecoder('iso-2022-jp').decode(body)
  return decodeMisnamedUtf8(body) ?? decodeUtf16(body, order)
}

/** Shorter UTF-16 may be valid UTF-8 by chance. */
const LEAST_MISNAMED = 16

/** UTF-8 under the name of UTF-16: no NULs, valid as a whole, and mostly ASCII. */
function decodeMisnamedUtf8 (bytes: Buffer): string | null {
  const body = withoutTrailingNuls(bytes)
  if (body.length < LEAST_MISNAMED || body.includes(0)) return null
  const sample = body.subarray(0, 256)
  let printable = 0
  for (const byte of sample) if (byte >= 0x20 && byte < 0x7f) printable++
  return printable > sample.length * 0.6 ? decodeStrictUtf8(body) : null
}

function withoutTrailingNuls (bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

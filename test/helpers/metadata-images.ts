import { deflateSync, brotliCompressSync } from 'node:zlib'
import sharp from 'sharp'

/** Small images made here that carry metadata the way each tool does. */

export interface TiffEntry { tag: number, type: number, value: Buffer }
export interface TiffOptions { order?: 'II' | 'MM', ifd0?: TiffEntry[], exif?: TiffEntry[] }

export async function pixels (format: 'png' | 'jpeg' | 'webp', { width = 8, height = 6, alpha = false } = {}): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: alpha ? 4 : 3, background: { r: 90, g: 140, b: 30, alpha: 1 } } }).toFormat(format, format === 'webp' ? { lossless: true } : {}).toBuffer()
}

/** Checksums are left zero: readers don't need them. */
export function pngChunk (type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, data, Buffer.alloc(4)])
}

export const pngText = {
  plain: (keyword: string, text: string | Buffer): Buffer => pngChunk('tEXt', Buffer.concat([Buffer.from(`${keyword}\0`, 'latin1'), typeof text === 'string' ? Buffer.from(text, 'latin1') : text])),
  packed: (keyword: string, text: string | Buffer): Buffer => pngChunk('zTXt', Buffer.concat([Buffer.from(`${keyword}\0\0`, 'latin1'), deflateSync(text)])),
  wide: (keyword: string, text: string, packed = false): Buffer => pngChunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0${packed ? '\u0001' : '\0'}\0\0\0`, 'latin1'), packed ? deflateSync(text) : Buffer.from(text)]))
}

/** The chunks stand before the pixels, or behind them. */
export async function png (chunks: readonly Buffer[], { late = false, alpha = false } = {}): Promise<Buffer> {
  const image = await pixels('png', { alpha })
  const at = late ? image.length - 12 : 33
  return Buffer.concat([image.subarray(0, at), ...chunks, image.subarray(at)])
}

export function jpegSegment (marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([head, data])
}

export async function jpeg (segments: readonly Buffer[]): Promise<Buffer> {
  const image = await pixels('jpeg')
  return Buffer.concat([image.subarray(0, 2), ...segments, image.subarray(2)])
}

export const jpegExif = (tiff: Buffer): Buffer => jpegSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]))

export async function webp (chunks: readonly [type: string, data: Buffer][]): Promise<Buffer> {
  const image = await pixels('webp')
  const body = Buffer.concat([image.subarray(8), ...chunks.map(([type, data]) => riffChunk(type, data))])
  const head = Buffer.from('RIFF\0\0\0\0', 'latin1')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

function riffChunk (type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 0, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1)])
}

/** A TIFF block of up to two directories, all values outside the entries. */
export function tiff ({ order = 'MM', ifd0 = [], exif = [] }: TiffOptions): Buffer {
  const big = order === 'MM'
  const u16 = (value: number): Buffer => { const b = Buffer.alloc(2); if (big) b.writeUInt16BE(value); else b.writeUInt16LE(value); return b }
  const u32 = (value: number): Buffer => { const b = Buffer.alloc(4); if (big) b.writeUInt32BE(value); else b.writeUInt32LE(value); return b }
  const sizeOf = (entries: number): number => 2 + entries * 12 + 4
  const first = ifd0.length + (exif.length > 0 ? 1 : 0)
  const second = 8 + sizeOf(first)
  let free = second + (exif.length > 0 ? sizeOf(exif.length) : 0)
  const values: Buffer[] = []
  const entry = ({ tag, type, value }: TiffEntry): Buffer => {
    const at = free
    values.push(value)
    free += value.length
    return Buffer.concat([u16(tag), u16(type), u32(value.length), u32(at)])
  }
  const pointer = exif.length > 0 ? [Buffer.concat([u16(0x8769), u16(4), u32(1), u32(second)])] : []
  const main = Buffer.concat([u16(first), ...ifd0.map(entry), ...pointer, u32(0)])
  const sub = exif.length > 0 ? Buffer.concat([u16(exif.length), ...exif.map(entry), u32(0)]) : Buffer.alloc(0)
  return Buffer.concat([Buffer.from(order), u16(42), u32(8), main, sub, ...values])
}

export const ascii = (tag: number, text: string): TiffEntry => ({ tag, type: 2, value: Buffer.from(`${text}\0     `) })
export const userComment = (value: Buffer): TiffEntry => ({ tag: 0x9286, type: 7, value })
export const unicode = (text: string, order: 'little' | 'big', mark = false): Buffer => {
  const bytes = Buffer.from(`${mark ? '\ufeff' : ''}${text}`, 'utf16le')
  return Buffer.concat([Buffer.from('UNICODE\0'), order === 'little' ? bytes : bytes.swap16()])
}

export function box (type: string, ...contents: Buffer[]): Buffer {
  const data = Buffer.concat(contents)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length + 8)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, data])
}

/** Tags by number as ffmpeg writes them with metadata tags; `moov` behind the media. */
export function mp4 (tags: Readonly<Record<string, string>>): Buffer {
  const names = Object.keys(tags)
  const keys = box('keys', u32(0), u32(names.length), ...names.map((name) => Buffer.concat([u32(name.length + 8), Buffer.from(`mdta${name}`)])))
  const items = names.map((name, index) => box(u32(index + 1).toString('latin1'), box('data', u32(1), u32(0), Buffer.from(tags[name] ?? ''))))
  const track = box('trak', box('tkhd', Buffer.alloc(76), Buffer.from('0280000001680000', 'hex')))
  return Buffer.concat([
    box('ftyp', Buffer.from('isom\0\0\u0002\0isommp41', 'latin1')), box('mdat', Buffer.alloc(5000)),
    box('moov', track, box('meta', box('hdlr', Buffer.alloc(4), Buffer.from('\0\0\0\0mdta', 'latin1'), Buffer.alloc(13)), keys, box('ilst', ...items)))
  ])
}

/** A comment in iTunes' form, below `udta`. */
export function mp4Comment (comment: string): Buffer {
  const list = box('ilst', box('\u00a9cmt', box('data', u32(1), u32(0), Buffer.from(comment))))
  return Buffer.concat([box('ftyp', Buffer.from('isom\0\0\u0002\0isommp41', 'latin1')), box('moov', box('udta', box('meta', Buffer.alloc(4), box('hdlr', Buffer.alloc(25)), list)))])
}

export function webm (tags: Readonly<Record<string, string>>): Buffer {
  const simple = Object.entries(tags).map(([name, text]) => element('67c8', element('45a3', Buffer.from(name)), element('4487', Buffer.from(text))))
  const head = element('1a45dfa3', element('4282', Buffer.from('webm')))
  const video = element('1654ae6b', element('ae', element('e0', element('b0', Buffer.from('0280', 'hex')), element('ba', Buffer.from('0168', 'hex')))))
  return Buffer.concat([head, element('18538067', video, element('1f43b675', Buffer.alloc(3000)), element('1254c367', element('7373', ...simple)))])
}

function element (id: string, ...contents: Buffer[]): Buffer {
  const data = Buffer.concat(contents)
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(data.length) | (1n << 56n))
  return Buffer.concat([Buffer.from(id, 'hex'), size, data])
}

/** An AVIF without pixels: one EXIF item. */
export function avif (block: Buffer): Buffer {
  const ftyp = box('ftyp', Buffer.from('avif\0\0\0\0avifmif1', 'latin1'))
  const entry = box('infe', Buffer.from('02000000', 'hex'), Buffer.from('00010000', 'hex'), Buffer.from('Exif'), Buffer.alloc(1))
  const item = Buffer.concat([u32(0), block])
  const build = (offset: number): Buffer => box('meta', Buffer.alloc(4), box('hdlr', Buffer.alloc(25)), box('iinf', Buffer.alloc(4), Buffer.from('0001', 'hex'), entry),
    box('iloc', Buffer.from('00000000', 'hex'), Buffer.from('4400', 'hex'), Buffer.from('0001', 'hex'), Buffer.from('00010000', 'hex'), Buffer.from('0001', 'hex'), u32(offset), u32(item.length)),
    box('iprp', box('ipco', box('ispe', u32(0), u32(640), u32(480)))))
  return Buffer.concat([ftyp, build(ftyp.length + build(0).length + 8), box('mdat', item)])
}

/** ComfyUI's graphs in the Brotli box of a JPEG XL. */
export function jxl (graphs: object): Buffer {
  return Buffer.concat([Buffer.from('0000000c4a584c200d0a870a', 'hex'), box('ftyp', Buffer.from('jxl \0\0\0\0jxl ', 'latin1')), box('brob', Buffer.from('comf'), brotliCompressSync(JSON.stringify(graphs)))])
}

/** Text in the lowest bits of alpha, column by column. */
export async function stealthPng (text: Buffer, magic: 'stealth_pnginfo' | 'stealth_pngcomp'): Promise<Buffer> {
  const [width, height] = [64, 64]
  const raw = Buffer.alloc(width * height * 4, 254)
  const length = u32(text.length * 8)
  const bytes = Buffer.concat([Buffer.from(magic), length, text])
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const at = ((bit % height) * width + Math.floor(bit / height)) * 4 + 3
    raw[at] = 254 | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1)
  }
  return await sharp(raw, { raw: { width, height, channels: 4 } }).png().toBuffer()
}

function u32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

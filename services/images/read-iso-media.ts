import type { ByteSource } from './byte-source.ts'
import { decodeUtf8 } from './decode-text.ts'
import { createBoxWalker, type BoxWalker, type IsoBox } from './iso-boxes.ts'
import { MAX_TEXT_BYTES, type MetadataCollector } from './metadata-collector.ts'
import { readExif } from './read-exif.ts'
import { readImageItems } from './read-image-items.ts'
import { readXmp } from './read-xmp.ts'

/** ComfyUI packs its graphs into a Brotli box; unpacked it may have so many bytes (recipes §2.3). */
const MAX_BROTLI_TEXT = 2 * 1024 * 1024
/** iTunes-style names of tags, as ffmpeg writes them, by the keyword that says the same. */
const shortNames: ReadonlyMap<string, string> = new Map([['\u00a9cmt', 'comment'], ['\u00a9des', 'description'], ['desc', 'description'], ['\u00a9too', 'encoder'], ['\u00a9nam', 'title'], ['ldes', 'description']])
const MAX_KEYS = 512

interface Reading { source: ByteSource, collector: MetadataCollector, walker: BoxWalker }

/** MP4 and QuickTime tags, EXIF and XMP of AVIF and JPEG XL, ComfyUI's Brotli box. Media data is never read. */
export async function readIsoMedia (source: ByteSource, collector: MetadataCollector): Promise<void> {
  const reading: Reading = { source, collector, walker: createBoxWalker(source) }
  for await (const box of reading.walker.boxes(0, source.size)) {
    if (box.type === 'moov') await readMovie(reading, box)
    else if (box.type === 'meta') await readImageItems(reading, box)
    else if (box.type === 'brob') await readBrotli(reading, box)
    else if (box.type === 'Exif') readExif((await content(reading, box)).subarray(4), collector)
    else if (box.type === 'xml ') readXmp(decodeUtf8(await content(reading, box)), collector)
    else if (box.type === 'jumb' || box.type === 'uuid') collector.c2pa ||= (await source.read(box.start, 64)).includes('c2pa')
  }
}

async function content ({ source, collector }: Reading, { start, end }: IsoBox): Promise<Buffer> {
  if (end - start <= MAX_TEXT_BYTES) return await source.read(start, end - start)
  collector.warn('A text of the file was left out: it is too large')
  return Buffer.alloc(0)
}

async function readMovie (reading: Reading, movie: IsoBox): Promise<void> {
  for await (const box of reading.walker.boxes(movie.start, movie.end)) {
    if (box.type === 'meta') await readTags(reading, box)
    else if (box.type === 'trak') await readTrack(reading, box)
    else if (box.type === 'udta') {
      for await (const inner of reading.walker.boxes(box.start, box.end)) {
        if (inner.type === 'meta') await readTags(reading, inner)
        else if (shortNames.has(inner.type)) addQuickTimeText(reading, inner.type, await content(reading, inner))
      }
    }
  }
}

/** `©cmt` right below `udta`: length, language, text. */
function addQuickTimeText ({ collector }: Reading, type: string, data: Buffer): void {
  if (data.length > 4) collector.add('container-tag', shortNames.get(type) ?? type, decodeUtf8(data.subarray(4, 4 + data.readUInt16BE(0))))
}

async function readTrack ({ source, collector, walker }: Reading, track: IsoBox): Promise<void> {
  for await (const box of walker.boxes(track.start, track.end)) {
    if (box.type !== 'tkhd') continue
    // The size is the last thing in the header, each 16.16 fixed; sound has none.
    const data = await source.read(box.end - 8, 8)
    if (data.length === 8 && data.readUInt16BE(0) > 0) [collector.width, collector.height] = [data.readUInt16BE(0), data.readUInt16BE(4)]
  }
}

/** `keys` and `ilst` (tags by number) or `ilst` alone (tags by short name). MP4's `meta` has four bytes of version, QuickTime's none. */
async function readTags (reading: Reading, meta: IsoBox): Promise<void> {
  const head = await reading.source.read(meta.start, 8)
  const start = head.toString('latin1', 4, 8) === 'hdlr' ? meta.start : meta.start + 4
  let names: string[] = []
  for await (const box of reading.walker.boxes(start, meta.end)) {
    if (box.type === 'keys') names = keysOf(await content(reading, box))
    else if (box.type === 'ilst') for await (const item of reading.walker.boxes(box.start, box.end)) await readTag(reading, item, names)
  }
}

function keysOf (data: Buffer): string[] {
  const names: string[] = []
  for (let at = 8; at + 8 <= data.length && names.length < MAX_KEYS;) {
    const size = data.readUInt32BE(at)
    if (size < 8 || at + size > data.length) break
    names.push(decodeUtf8(data.subarray(at + 8, at + size)))
    at += size
  }
  return names
}

async function readTag (reading: Reading, item: IsoBox, names: readonly string[]): Promise<void> {
  const number = Buffer.from(item.type, 'latin1').readUInt32BE(0)
  let name = names[number - 1] ?? shortNames.get(item.type) ?? ''
  for await (const box of reading.walker.boxes(item.start, item.end)) {
    if (box.type === 'name' && item.type === '----') name = decodeUtf8((await content(reading, box)).subarray(4))
    // Type and locale, four bytes each, stand before the value.
    else if (box.type === 'data' && name !== '') reading.collector.add('container-tag', name.slice(name.lastIndexOf('.') + 1).toLowerCase(), decodeUtf8((await content(reading, box)).subarray(8)))
  }
}

async function readBrotli (reading: Reading, box: IsoBox): Promise<void> {
  const { collector } = reading
  const data = await content(reading, box)
  if (data.toString('latin1', 0, 4) !== 'comf') return
  const packed = data.subarray(4)
  const json = packed[0] === 0x7b ? packed : await collector.unpack('brotli', packed, MAX_BROTLI_TEXT)
  if (json && json.length <= MAX_BROTLI_TEXT) collector.add('brob', 'comf', decodeUtf8(json))
}

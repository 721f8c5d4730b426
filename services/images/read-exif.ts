import { decodeLatinOrUtf8, decodeUserComment, decodeUtf16As, type ByteOrder } from './decode-text.ts'
import { MAX_TEXT_BYTES, type MetadataCollector } from './metadata-collector.ts'

const MAX_ENTRIES = 1000
const MAX_DIRECTORIES = 8

const SUB_DIRECTORIES: ReadonlySet<number> = new Set([0x8769])
const ORIENTATION = 0x0112
const USER_COMMENT = 0x9286
/** Microsoft's tags are UTF-16, little-endian whatever the block. */
const wideTags: ReadonlyMap<number, string> = new Map([[0x9c9b, 'XPTitle'], [0x9c9c, 'XPComment'], [0x9c9e, 'XPKeywords'], [0x9c9f, 'XPSubject']])
const textTags: ReadonlyMap<number, string> = new Map([
  [0x010e, 'ImageDescription'], [0x010f, 'Make'], [0x0110, 'Model'], [0x0131, 'Software'], [0x013b, 'Artist'], [0x010d, 'DocumentName'], [0x927c, 'MakerNote']
])
/** ComfyUI's animated WebP counts further keys downwards from Make: any tag below it may hold one. */
const LOWEST_LABEL_TAG = 0x0100
const SIZES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8 }

interface Block { bytes: Buffer, order: ByteOrder, u16 (at: number): number, u32 (at: number): number }
interface Entry { tag: number, type: number, value: Buffer, directory: 'ifd0' | 'exif' | 'other' }

/** A TIFF block, with or without `Exif\0\0` before it. Broken entries cost themselves only. */
export function readExif (raw: Buffer, collector: MetadataCollector): void {
  const block = openBlock(raw.toString('latin1', 0, 4) === 'Exif' ? raw.subarray(6) : raw)
  if (!block) {
    collector.warn('The EXIF block is broken')
    return
  }
  for (const entry of entriesOf(block)) {
    const name = textTags.get(entry.tag)
    const wide = wideTags.get(entry.tag)
    if (entry.tag === ORIENTATION && entry.directory === 'ifd0' && entry.type === 3 && entry.value.length >= 2) collector.orientation = orientationOf(block.order === 'little' ? entry.value.readUInt16LE(0) : entry.value.readUInt16BE(0))
    else if (entry.tag === USER_COMMENT) collector.add(entry.directory === 'exif' ? 'user-comment' : 'ifd0-user-comment', 'UserComment', decodeUserComment(entry.value, block.order))
    else if (wide !== undefined) addTag(wide, decodeUtf16As(entry.value, 'little'), collector)
    else if (name !== undefined) addTag(name, decodeLatinOrUtf8(withoutNuls(entry.value)), collector)
    else if (entry.type === 2 && entry.tag >= LOWEST_LABEL_TAG) addLabelled(decodeLatinOrUtf8(withoutNuls(entry.value)), collector)
  }
}

function addTag (name: string, text: string, collector: MetadataCollector): void {
  if (!addLabelled(text, collector) && name !== 'MakerNote') collector.add('exif-tag', name, text)
}

/** `workflow:{…}` in any tag stands for the PNG text of that keyword. */
function addLabelled (text: string, collector: MetadataCollector): boolean {
  const colon = text.slice(0, 64).indexOf(':')
  if (colon < 1) return false
  const label = text.slice(0, colon)
  const value = text.slice(colon + 1).trimStart()
  if (!/^[A-Za-z_][\w-]*$/.test(label) || !/^[{[]/.test(value)) return false
  collector.add('exif-tag', label.toLowerCase(), value)
  return true
}

const orientationOf = (value: number): number => value >= 1 && value <= 8 ? value : 1

function withoutNuls (bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

function openBlock (bytes: Buffer): Block | null {
  const mark = bytes.toString('latin1', 0, 2)
  if (bytes.length < 8 || (mark !== 'II' && mark !== 'MM')) return null
  const order = mark === 'II' ? 'little' : 'big'
  const block: Block = order === 'little'
    ? { bytes, order, u16: (at) => bytes.readUInt16LE(at), u32: (at) => bytes.readUInt32LE(at) }
    : { bytes, order, u16: (at) => bytes.readUInt16BE(at), u32: (at) => bytes.readUInt32BE(at) }
  return block.u16(2) === 42 ? block : null
}

/** Entries of all directories, each directory once, whatever the pointers say. */
function entriesOf (block: Block): Entry[] {
  const { bytes, u16, u32 } = block
  const entries: Entry[] = []
  const waiting: [number, Entry['directory']][] = [[u32(4), 'ifd0']]
  const visited = new Set<number>()
  for (let next = waiting.shift(); next && visited.size < MAX_DIRECTORIES; next = waiting.shift()) {
    const [start, directory] = next
    if (visited.has(start) || start + 2 > bytes.length) continue
    visited.add(start)
    const count = Math.min(u16(start), MAX_ENTRIES)
    for (let at = start + 2, n = 0; n < count && at + 12 <= bytes.length; at += 12, n++) {
      const [tag, type] = [u16(at), u16(at + 2)]
      const value = valueOf(block, at, type)
      if (SUB_DIRECTORIES.has(tag)) waiting.push([u32(at + 8), 'exif'])
      else if (value) entries.push({ tag, type, value, directory })
    }
    const link = start + 2 + count * 12
    if (directory === 'ifd0' && link + 4 <= bytes.length && u32(link) !== 0) waiting.push([u32(link), 'other'])
  }
  return entries
}

/** Null where it points outside the block. */
function valueOf ({ bytes, u32 }: Block, at: number, type: number): Buffer | null {
  const length = u32(at + 4) * (SIZES[type] ?? 0)
  if (length === 0 || length > MAX_TEXT_BYTES) return null
  const start = length <= 4 ? at + 8 : u32(at + 8)
  return start + length <= bytes.length ? bytes.subarray(start, start + length) : null
}

import type { ByteSource } from './byte-source.ts'
import { decodeUtf8 } from './decode-text.ts'
import { MAX_TEXT_BYTES, type MetadataCollector } from './metadata-collector.ts'

/** Element ids of EBML with their length mark. */
const ids = { segment: 0x18538067, tags: 0x1254c367, tag: 0x7373, simpleTag: 0x67c8, name: 0x45a3, text: 0x4487, tracks: 0x1654ae6b, entry: 0xae, video: 0xe0, width: 0xb0, height: 0xba } as const
const entered: ReadonlySet<number> = new Set([ids.segment, ids.tags, ids.tag, ids.simpleTag, ids.tracks, ids.entry, ids.video])
const MAX_ELEMENTS = 20_000
const MAX_DEPTH = 12

interface Element { id: number, start: number, end: number }
interface Reading { source: ByteSource, collector: MetadataCollector, seen: number, name: string }

/** Tags of a WebM or Matroska file, names in lower case; clusters are leapt over. */
export async function readWebm (source: ByteSource, collector: MetadataCollector): Promise<void> {
  await walk({ source, collector, seen: 0, name: '' }, 0, source.size, 0)
}

async function walk (reading: Reading, start: number, end: number, depth: number): Promise<void> {
  for (let at = start; at < end && reading.seen < MAX_ELEMENTS; reading.seen++) {
    const element = await elementAt(reading.source, at, end)
    if (!element) return
    if (entered.has(element.id)) {
      if (depth < MAX_DEPTH) await walk(reading, element.start, element.end, depth + 1)
    } else await readLeaf(reading, element)
    at = element.end
  }
}

async function readLeaf (reading: Reading, { id, start, end }: Element): Promise<void> {
  const { source, collector } = reading
  if (id === ids.width || id === ids.height) {
    const bytes = await source.read(start, Math.min(end - start, 6))
    if (bytes.length > 0) collector[id === ids.width ? 'width' : 'height'] = bytes.readUIntBE(0, bytes.length)
  } else if (id === ids.name || id === ids.text) {
    if (end - start > MAX_TEXT_BYTES) return
    const text = decodeUtf8(await source.read(start, end - start)).replaceAll('\0', '')
    if (id === ids.name) reading.name = text.toLowerCase()
    else if (reading.name !== '') collector.add('container-tag', reading.name, text)
  }
}

/** Lengths of all ones mean "to the end", as live recordings write them. */
async function elementAt (source: ByteSource, at: number, end: number): Promise<Element | null> {
  const header = await source.read(at, 12)
  const idLength = markedLength(header[0] ?? 0)
  const sizeLength = markedLength(header[idLength] ?? 0)
  if (idLength > 4 || sizeLength > 8 || idLength + sizeLength > header.length) return null
  const id = header.readUIntBE(0, idLength)
  let size = (header[idLength] ?? 0) & ((1 << (8 - sizeLength)) - 1)
  let unknown = size === (1 << (8 - sizeLength)) - 1
  for (let n = 1; n < sizeLength; n++) {
    const byte = header[idLength + n] ?? 0
    unknown &&= byte === 0xff
    size = size * 256 + byte
  }
  const start = at + idLength + sizeLength
  return { id, start, end: unknown ? end : Math.min(end, start + size) }
}

/** Length of a number by its leading zeros; more than 8 for none. */
const markedLength = (byte: number): number => Math.clz32(byte) - 23

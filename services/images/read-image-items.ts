import type { ByteSource } from './byte-source.ts'
import { decodeUtf8 } from './decode-text.ts'
import type { BoxWalker, IsoBox } from './iso-boxes.ts'
import { MAX_TEXT_BYTES, type MetadataCollector } from './metadata-collector.ts'
import { readExif } from './read-exif.ts'
import { readXmp } from './read-xmp.ts'

interface Reading { source: ByteSource, collector: MetadataCollector, walker: BoxWalker }
interface Item { type: string, contentType: string }
interface Extent { start: number, length: number, inside: boolean }

const MAX_ITEMS = 1000
const MAX_TABLE_BYTES = 1024 * 1024

/** Items of an AVIF or HEIF file: which there are (`iinf`), where they lie (`iloc`), and the size of the image (`ispe`). */
export async function readImageItems ({ source, collector, walker }: Reading, meta: IsoBox): Promise<void> {
  let items = new Map<number, Item>()
  let extents = new Map<number, Extent[]>()
  let inside = 0
  for await (const box of walker.boxes(meta.start + 4, meta.end)) {
    const table = async (): Promise<Buffer> => await source.read(box.start, Math.min(box.end - box.start, MAX_TABLE_BYTES))
    if (box.type === 'iinf') items = itemsOf(await table())
    else if (box.type === 'iloc') extents = extentsOf(await table())
    else if (box.type === 'idat') inside = box.start
    else if (box.type === 'iprp') await readProperties({ source, collector, walker }, box)
  }
  for (const [id, { type, contentType }] of items) {
    if (type !== 'Exif' && !(type === 'mime' && contentType === 'application/rdf+xml')) continue
    const data = await gather(source, extents.get(id) ?? [], inside)
    if (type === 'Exif' && data.length > 4) readExif(data.subarray(4 + data.readUInt32BE(0)), collector)
    else if (type === 'mime') readXmp(decodeUtf8(data), collector)
  }
}

async function gather (source: ByteSource, extents: readonly Extent[], inside: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let total = 0
  for (const { start, length, inside: relative } of extents) {
    total += length
    if (total > MAX_TEXT_BYTES) break
    parts.push(Buffer.from(await source.read(relative ? inside + start : start, length)))
  }
  return Buffer.concat(parts)
}

async function readProperties ({ source, collector, walker }: Reading, properties: IsoBox): Promise<void> {
  for await (const container of walker.boxes(properties.start, properties.end)) {
    if (container.type !== 'ipco') continue
    for await (const box of walker.boxes(container.start, container.end)) {
      const data = box.type === 'ispe' ? await source.read(box.start, 12) : Buffer.alloc(0)
      // Thumbnails and tiles have sizes too; the image is the largest.
      if (data.length === 12 && data.readUInt32BE(4) > (collector.width ?? 0)) [collector.width, collector.height] = [data.readUInt32BE(4), data.readUInt32BE(8)]
    }
  }
}

/** Version 0 counts items in 16 bits, later ones in 32; entries (`infe`) are boxes. */
function itemsOf (data: Buffer): Map<number, Item> {
  const items = new Map<number, Item>()
  if (data.length < 6) return items
  let at = data.readUInt8(0) === 0 ? 6 : 8
  while (at + 16 <= data.length && items.size < MAX_ITEMS) {
    const size = data.readUInt32BE(at)
    if (size < 16 || at + size > data.length) break
    const version = data.readUInt8(at + 8)
    const wide = version >= 3
    const type = at + (wide ? 18 : 16)
    if (version >= 2 && type + 4 <= at + size) {
      const id = wide ? data.readUInt32BE(at + 12) : data.readUInt16BE(at + 12)
      const [, contentType = ''] = data.toString('latin1', type + 4, at + size).split('\0')
      items.set(id, { type: data.toString('latin1', type, type + 4), contentType })
    }
    at += size
  }
  return items
}

/** Fields of 0, 4 or 8 bytes, by nibbles in the head of the box. */
function extentsOf (data: Buffer): Map<number, Extent[]> {
  const found = new Map<number, Extent[]>()
  if (data.length < 8) return found
  const version = data.readUInt8(0)
  const [offsetSize, lengthSize, baseSize, indexSize] = [data.readUInt8(4) >> 4, data.readUInt8(4) & 15, data.readUInt8(5) >> 4, version > 0 ? data.readUInt8(5) & 15 : 0]
  let at = 6
  const number = (size: number): number => {
    at += size
    if (at > data.length || (size !== 0 && size !== 2 && size !== 4 && size !== 8)) return 0
    return size === 0 ? 0 : size === 8 ? Number(data.readBigUInt64BE(at - 8)) : data.readUIntBE(at - size, size)
  }
  const count = number(version < 2 ? 2 : 4)
  for (let n = 0; n < Math.min(count, MAX_ITEMS) && at < data.length; n++) {
    const id = number(version < 2 ? 2 : 4)
    const inside = version > 0 && (number(2) & 15) === 1
    number(2)
    const base = number(baseSize)
    const extents: Extent[] = []
    for (let left = number(2); left > 0 && at < data.length; left--) {
      number(indexSize)
      extents.push({ start: base + number(offsetSize), length: number(lengthSize), inside })
    }
    found.set(id, extents)
  }
  return found
}

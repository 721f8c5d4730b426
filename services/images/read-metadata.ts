import { openByteSource, type ByteSource } from './byte-source.ts'
import { readHiddenText } from './hidden-text.ts'
import { createMetadataCollector, type MetadataCollector } from './metadata-collector.ts'
import type { ImageMetadata, ImageSource } from './metadata-types.ts'
import { readIsoMedia } from './read-iso-media.ts'
import { readJpeg } from './read-jpeg.ts'
import { readPng } from './read-png.ts'
import { readWebm } from './read-webm.ts'
import { readWebp } from './read-webp.ts'
import { SNIFFED_BYTES, sniffMedia, type MediaEnding } from './sniff-media.ts'

const readers: Partial<Record<MediaEnding, (source: ByteSource, collector: MetadataCollector) => Promise<void>>> = {
  '.png': readPng,
  '.jpg': readJpeg,
  '.webp': readWebp,
  '.avif': readIsoMedia,
  '.jxl': readIsoMedia,
  '.mp4': readIsoMedia,
  '.mov': readIsoMedia,
  '.webm': readWebm,
  '.gif': async (source, collector) => {
    const head = await source.read(6, 4)
    if (head.length === 4) [collector.width, collector.height] = [head.readUInt16LE(0), head.readUInt16LE(2)]
  }
}

export interface ReadMetadataOptions {
  /** Whether pixels may be decoded for hidden text when nothing else speaks; true unless said otherwise. */
  stealth?: boolean
}

/**
 * What a file says of itself, by its bytes and not its name. Headers are read by position, so size and pixels cost nothing;
 * only an image with alpha that says nothing else is decoded, within the limit of pixels. What is broken or too large is left
 * out with a warning: nothing in a file makes it throw, only a path that can't be read does.
 */
export async function readImageMetadata (source: ImageSource, { stealth = true }: ReadMetadataOptions = {}): Promise<ImageMetadata> {
  const bytes = await openByteSource(source)
  let collector: MetadataCollector
  try {
    const format = sniffMedia(await bytes.read(0, SNIFFED_BYTES)) ?? null
    collector = createMetadataCollector(format)
    await readFormat(bytes, format, collector)
  } finally {
    await bytes.close()
  }
  if (stealth && mayHide(collector)) await readHiddenText(source, collector)
  const { add: _add, warn: _warn, unpack: _unpack, ...metadata } = collector
  return metadata
}

async function readFormat (bytes: ByteSource, format: MediaEnding | null, collector: MetadataCollector): Promise<void> {
  const read = format === null ? undefined : readers[format]
  if (!read) return
  try {
    await read(bytes, collector)
  } catch (error) {
    // Offsets of a broken file lead anywhere; faults of the disk must not pass for a file without metadata.
    if (error instanceof Error && 'syscall' in error) throw error
    collector.warn(`The ${format?.slice(1)} file is broken: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const hiding: ReadonlySet<MediaEnding | null> = new Set(['.png', '.webp'])
/** Keywords that bear a recipe whatever their text looks like. */
const speaking: ReadonlySet<string> = new Set(['parameters', 'prompt', 'workflow', 'dream', 'sd-metadata', 'invokeai_metadata', 'generation_data', 'comf'])

function mayHide ({ format, hasAlpha, texts }: ImageMetadata): boolean {
  return hasAlpha && hiding.has(format) && !texts.some(({ keyword, text }) => speaking.has(keyword.toLowerCase()) || text.startsWith('{') || text.includes('Steps: '))
}

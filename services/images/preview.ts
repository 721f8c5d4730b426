import { open } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { InvalidInputError } from '../errors.ts'
import type { ImageSource } from './metadata-types.ts'
import { MAX_FRAMES, MAX_PIXELS, pixelLanes, sharpNow } from './sharp-module.ts'
import { SNIFFED_BYTES, isAnimatedAvif, isAnimatedPng, isVideo, sniffMedia, type MediaEnding } from './sniff-media.ts'

/** Width of a model card, in pixels; smaller images are kept at their size. */
const CARD_WIDTH = 480

const options = { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: 'error' as const }

/** What becomes of a file that is to be a preview. `data` null: its bytes stay as they are. */
export interface PreparedPreview {
  /** With the dot, by what the bytes are. */
  extension: string
  data: Buffer | null
}

/**
 * Makes a preview of an uploaded or fetched file: images become WebP, upright (EXIF orientation), at most 480 pixels wide, never
 * enlarged; animations stay animated; GIF and video keep their bytes. What a file is, its bytes say.
 * @throws InvalidInputError when the file is nothing that a preview is made of, or can't be decoded, or is too large
 */
export async function preparePreview (file: string): Promise<PreparedPreview> {
  const head = await readHead(file)
  const ending = sniffMedia(head)
  if (ending === undefined) throw notReadable()
  if (isVideo(ending)) return { extension: ending, data: null }
  return await pixelLanes.run(async () => await prepareImage(file, ending, head))
}

async function prepareImage (file: string, ending: MediaEnding, head: Buffer): Promise<PreparedPreview> {
  const sharp = await sharpNow()
  try {
    const pages = await pagesWithinLimits(sharp(file, { ...options, pages: 1 }))
    if (staysAsItIs(ending, head)) {
      await decodes(sharp(file, { ...options, pages: 1 }))
      return { extension: ending, data: null }
    }
    return { extension: '.webp', data: await toCard(sharp(file, { ...options, animated: pages > 1 })) }
  } catch (error) {
    throw error instanceof InvalidInputError ? error : notReadable(error)
  }
}

/**
 * An image or animation as upright WebP of a card's width, null when it can't be decoded or has too many pixels.
 * @throws DomainError of kind `unavailable` when too much waits already
 */
export async function encodeCard (source: ImageSource): Promise<Buffer | null> {
  const sharp = await sharpNow()
  return await pixelLanes.run(async () => {
    try {
      const pages = await pagesWithinLimits(sharp(source, { ...options, pages: 1 }))
      return await toCard(sharp(source, { ...options, animated: pages > 1 }))
    } catch (error) {
      // A codec says what it can't do by throwing; the caller keeps the bytes.
      if (error instanceof Error) return null
      throw error
    }
  })
}

/** @throws InvalidInputError */
async function pagesWithinLimits (image: Sharp): Promise<number> {
  const { pages = 1, width, height } = await image.metadata()
  if (pages > MAX_FRAMES || width * height * pages > MAX_PIXELS) throw new InvalidInputError('The image is too large to be a preview', 'preview-too-large')
  return pages
}

async function toCard (image: Sharp): Promise<Buffer> {
  return await image.autoOrient().resize({ width: CARD_WIDTH, withoutEnlargement: true }).webp({ quality: 85, effort: 2 }).timeout({ seconds: 60 }).toBuffer()
}

/** Animations that only their own format keeps; of some the codecs read the first frame alone. */
function staysAsItIs (ending: MediaEnding, head: Buffer): boolean {
  return ending === '.gif' || (ending === '.png' && isAnimatedPng(head)) || (ending === '.avif' && isAnimatedAvif(head))
}

/** Decodes the first frame and throws the pixels away. @throws when it can't */
async function decodes (image: Sharp): Promise<void> {
  await image.resize({ width: 16 }).raw().timeout({ seconds: 60 }).toBuffer()
}

async function readHead (file: string): Promise<Buffer> {
  const handle = await open(file, 'r')
  try {
    const buffer = Buffer.alloc(SNIFFED_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function notReadable (cause?: unknown): InvalidInputError {
  return new InvalidInputError('The preview is not an image or video that can be read, or it is too large', 'preview-not-readable', { cause })
}

import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Sharp } from 'sharp'
import { InvalidInputError } from '../errors.ts'
import { createLanes } from './lanes.ts'
import { SNIFFED_BYTES, isAnimatedAvif, isAnimatedPng, isVideo, sniffMedia, type MediaEnding } from './sniff-media.ts'

/** Width of a model card, in pixels; smaller images are kept at their size. */
const CARD_WIDTH = 480
/** An image with more pixels is refused before it is decoded (a 20 KB file can claim gigabytes); those of all frames count. */
const MAX_PIXELS = 100_000_000
const MAX_FRAMES = 300
const MOST_WAITING = 32

/** What becomes of a file that is to be a preview. `data` null: its bytes stay as they are. */
export interface PreparedPreview {
  /** With the dot, by what the bytes are. */
  extension: string
  data: Buffer | null
}

type SharpModule = typeof import('sharp')['default']
let loading: Promise<SharpModule> | undefined

/** Loaded with the first image: the library of the codecs takes a good part of a start. */
function sharpNow (): Promise<SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false)
    sharp.concurrency(1)
    return sharp
  })
  return loading
}

/** Encoding leaves a core to requests. */
const lanes = createLanes(Math.max(1, availableParallelism() - 1), MOST_WAITING)

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
  return await lanes.run(async () => await prepareImage(file, ending, head))
}

async function prepareImage (file: string, ending: MediaEnding, head: Buffer): Promise<PreparedPreview> {
  const sharp = await sharpNow()
  const options = { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: 'error' as const }
  try {
    const { pages = 1, width, height } = await sharp(file, { ...options, pages: 1 }).metadata()
    if (pages > MAX_FRAMES || width * height * pages > MAX_PIXELS) throw new InvalidInputError('The image is too large to be a preview', 'preview-too-large')
    if (staysAsItIs(ending, head)) {
      await decodes(sharp(file, { ...options, pages: 1 }))
      return { extension: ending, data: null }
    }
    const image = sharp(file, { ...options, animated: pages > 1 })
    const data = await image.autoOrient().resize({ width: CARD_WIDTH, withoutEnlargement: true }).webp({ quality: 85, effort: 2 }).timeout({ seconds: 60 }).toBuffer()
    return { extension: '.webp', data }
  } catch (error) {
    throw error instanceof InvalidInputError ? error : notReadable(error)
  }
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

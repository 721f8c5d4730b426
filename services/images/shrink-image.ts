import { stat } from 'node:fs/promises'
import { embedTexts } from './embed-texts.ts'
import { readEmbeddedTexts } from './embedded-texts.ts'
import { MAX_PIXELS, pixelLanes, sharpNow } from './sharp-module.ts'

/** Less than this is not worth a second file. */
const WORTH = 0.8

/**
 * The same image, upright and in its size, as a smaller WebP with the texts of the source inside; null where that is not worth it, and for
 * animations, films, what is too large or can't be decoded.
 */
export async function shrinkImage (file: string): Promise<Buffer | null> {
  const { size } = await stat(file)
  const encoded = await pixelLanes.run(async () => await encode(file))
  if (encoded === null) return null
  const data = embedTexts(encoded, await readEmbeddedTexts(file)) ?? encoded
  return data.length <= size * WORTH ? data : null
}

async function encode (file: string): Promise<Buffer | null> {
  const sharp = await sharpNow()
  try {
    const { pages = 1, width, height } = await sharp(file, { limitInputPixels: MAX_PIXELS }).metadata()
    if (pages > 1 || width * height > MAX_PIXELS) return null
    return await sharp(file, { limitInputPixels: MAX_PIXELS, sequentialRead: true }).autoOrient().webp({ quality: 85, effort: 2 }).timeout({ seconds: 60 }).toBuffer()
  } catch {
    // Films, and whatever the codecs don't know, stay as they came.
    return null
  }
}

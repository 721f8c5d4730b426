import { openByteSource } from './byte-source.ts'
import { embedTexts } from './embed-texts.ts'
import { embeddedTexts } from './embedded-texts.ts'
import type { ImageSource } from './metadata-types.ts'
import { encodeCard } from './preview.ts'
import { readImageMetadata } from './read-metadata.ts'
import { SNIFFED_BYTES, isVideo, sniffMedia } from './sniff-media.ts'

export interface RecipePreview {
  /** With the dot, by what the bytes are. */
  extension: string
  /** Null: the bytes of the source stay as they are. */
  data: Buffer | null
  /** What the source is by its bytes, with the dot; only where `data` takes its place. */
  source?: string
}

/** Where a file is nothing that is known; the name that recipes of old have for it (recipes §1.2). */
const UNKNOWN = '.jpg'

/**
 * The image of a recipe: WebP, upright, at most as wide as a card and never enlarged, with the texts of its source inside.
 * Video and what can't be decoded keep their bytes under a truthful extension.
 */
export async function createRecipePreview (source: ImageSource): Promise<RecipePreview> {
  const format = sniffMedia(await headOf(source))
  if (format === undefined) return { extension: UNKNOWN, data: null }
  if (isVideo(format)) return { extension: format, data: null }
  const encoded = await encodeCard(source)
  if (encoded === null) return { extension: format, data: null }
  return { extension: '.webp', source: format, data: embedTexts(encoded, embeddedTexts(await readImageMetadata(source))) ?? encoded }
}

async function headOf (source: ImageSource): Promise<Buffer> {
  const bytes = await openByteSource(source)
  try {
    return Buffer.from(await bytes.read(0, SNIFFED_BYTES))
  } finally {
    await bytes.close()
  }
}

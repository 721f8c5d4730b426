import type { MediaEnding } from './sniff-media.ts'

/**
 * Where in a file a text stood, the most trusted first: what one file says twice is taken from the earlier one.
 * `text` is for texts without a file.
 */
export const carriers = [
  'text', 'png-text', 'user-comment', 'ifd0-user-comment', 'exif-tag', 'brob', 'container-tag', 'xmp', 'jpeg-comment', 'stealth-alpha'
] as const
export type Carrier = typeof carriers[number]

/** One text that a file carries, decoded, without trailing NULs; never empty. */
export interface MetadataText {
  carrier: Carrier
  /**
   * As the carrier spells it: the keyword of a PNG chunk, the name of a container tag. EXIF tags bear their name
   * (`UserComment`, `ImageDescription`, `Software`) unless their value names a PNG keyword itself (`prompt:{…}`), XMP its
   * property (`dc:description`), JPEG comments `Comment`, the hidden text of pixels `parameters`.
   */
  keyword: string
  text: string
}

/** What is read of a file without decoding a pixel. */
export interface ImageMetadata {
  /** By what the bytes are, null for nothing that is known. */
  format: MediaEnding | null
  /** As stored, before any EXIF orientation; null where the header doesn't tell. */
  width: number | null
  height: number | null
  /** Whether the pixels have an alpha channel, as far as the header tells. */
  hasAlpha: boolean
  /** EXIF orientation 1…8; 1 where none is given. */
  orientation: number
  /** In the order of the file. */
  texts: MetadataText[]
  /** A signing tool left its manifest; says nothing of how the image was made. */
  c2pa: boolean
  /** What was left out and why, for people. */
  warnings: string[]
}

/** The three texts that recipe images carry (recipes §2.2), null where there is none. */
export interface EmbeddedTexts {
  /** Free text, the recipe marker at its end. */
  parameters: string | null
  /** ComfyUI API graph as JSON text. */
  prompt: string | null
  /** ComfyUI UI graph as JSON text. */
  workflow: string | null
}

/** A file on disk, read by positioned reads, or bytes at hand. */
export type ImageSource = string | Buffer

import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { embeddedTexts } from '../images/embedded-texts.ts'
import { readImageMetadata } from '../images/read-metadata.ts'
import type { ImageMetadata } from '../images/metadata-types.ts'
import type { MediaEnding } from '../images/sniff-media.ts'

/** What a recipe's image says of itself, by its header alone. */
export interface ImageFacts {
  path: string
  /** -1: there is no such file. */
  size: number
  mtimeMs: number
  /** Pixels as they are shown; null where nobody can tell or nobody shows them (videos). */
  width: number | null
  height: number | null
  hasWorkflow: boolean
}

/** Whose size clients lay cards out by (recipes §2.4). */
const measured: ReadonlySet<MediaEnding | null> = new Set(['.png', '.jpg', '.webp', '.gif'])
/** Orientations of EXIF that lie on their side. */
const SIDEWAYS = 5

export async function readImageFacts (path: string): Promise<ImageFacts> {
  const stats = path === '' ? null : await statFile(path)
  const facts: ImageFacts = { path, size: stats?.size ?? -1, mtimeMs: stats?.mtimeMs ?? 0, width: null, height: null, hasWorkflow: false }
  const metadata = stats && await readHeader(path)
  if (!metadata) return facts
  const { format, width, height, orientation } = metadata
  if (measured.has(format) && width && height) Object.assign(facts, orientation >= SIDEWAYS ? { width: height, height: width } : { width, height })
  return { ...facts, hasWorkflow: (embeddedTexts(metadata).workflow ?? '') !== '' }
}

/** null: it can't be read now. */
async function readHeader (path: string): Promise<ImageMetadata | null> {
  try {
    return await readImageMetadata(path, { stealth: false })
  } catch {
    return null
  }
}

/** Whether what is known of an image still holds. */
export function sameImage (facts: Pick<ImageFacts, 'path' | 'size' | 'mtimeMs'>, path: string, stats: Pick<Stats, 'size' | 'mtimeMs'> | null): boolean {
  return facts.path === path && facts.size === (stats?.size ?? -1) && facts.mtimeMs === (stats?.mtimeMs ?? 0)
}

/** null: there is none, or none that can be read. */
export async function statFile (path: string): Promise<Stats | null> {
  const stats = await stat(path).catch(() => null)
  return stats?.isFile() ? stats : null
}

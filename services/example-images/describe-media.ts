import { readImageMetadata } from '../images/read-metadata.ts'
import { parseImage } from '../recipes/parsers/index.ts'

export interface ImageSize { width: number, height: number }

/** What clients show of a file; null where nothing tells. */
export interface MediaFacts {
  size: ImageSize | null
  /** Generation parameters under the names that clients of the family read. */
  meta: Record<string, string | number> | null
}

/** Films are shown in a frame of their own. */
const films = new Set(['.mp4', '.webm', '.mov', '.avi'])
const SHOWN = ['prompt', 'negative_prompt', 'steps', 'sampler', 'cfg_scale', 'seed', 'size', 'clip_skip', 'denoising_strength'] as const

/** Reads the headers of a file: size as it is shown, and how the image was made, in whatever format it says so. */
export async function describeMedia (file: string): Promise<MediaFacts> {
  const metadata = await readImageMetadata(file, { stealth: false })
  const { format, width, height, orientation } = metadata
  if (format === null || films.has(format)) return { size: null, meta: null }
  const params = parseImage(metadata)?.genParams ?? {}
  const shown = SHOWN.flatMap((key) => params[key] === undefined ? [] : [[key, params[key]] as const])
  const size = !width || !height ? null : orientation >= 5 ? { width: height, height: width } : { width, height }
  return { size, meta: shown.length > 0 ? Object.fromEntries(shown) : null }
}

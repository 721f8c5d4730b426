import type { MediaEnding } from '../images/sniff-media.ts'
import { readImageMetadata } from '../images/read-metadata.ts'
import type { CallOptions } from '../network/types.ts'
import { parseImage, parseMeta } from './parsers/index.ts'
import type { ParsedImage } from './parsers/types.ts'
import { createImageResolver } from './resolve-image.ts'
import type { AnalysisCheckpoint, ModelLookups, ResolvedImage } from './resolve-types.ts'
import type { RecipeVersions } from './version-lookups.ts'

/** What a file tells of its making. */
export interface ReadImage {
  image: ResolvedImage | null
  /** Why there is none: nothing is embedded, or nothing that is understood. */
  problem: 'no-metadata' | 'no-parser' | null
  /** Null for what is no image or video. */
  format: MediaEnding | null
  /** Whether a workflow of ComfyUI is embedded. */
  hasWorkflow: boolean
}

export interface ImageReader {
  /** Never throws for what a file holds. */
  file (path: string, options?: CallOptions): Promise<ReadImage>
  /** What CivitAI or a client knows of an image; null when it tells nothing. */
  meta (meta: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<ResolvedImage | null>
}

export interface ImageReaderDeps {
  loras: ModelLookups
  checkpoints: ModelLookups
  versions: RecipeVersions
}

/** Metadata, then parsers, then the library and others: three steps that know nothing of each other. */
export function createImageReader ({ loras, checkpoints, versions }: ImageReaderDeps): ImageReader {
  const resolve = async (parsed: ParsedImage, options?: CallOptions): Promise<ResolvedImage> =>
    await createImageResolver({ loras, checkpoints, versions: versions.lookups(options) })(parsed)

  return {
    async file (path, options) {
      const metadata = await readImageMetadata(path, { stealth: true })
      const parsed = parseImage(metadata)
      return {
        image: parsed && await resolve(parsed, options),
        problem: parsed ? null : metadata.texts.length === 0 ? 'no-metadata' : 'no-parser',
        format: metadata.format,
        hasWorkflow: parsed?.hasWorkflow ?? false
      }
    },
    async meta (meta, options) {
      const parsed = parseMeta(meta)
      return parsed && await resolve(parsed, options)
    }
  }
}

/** Checkpoint of an analysis, under whichever of its two names it stands. */
export function checkpointOf ({ checkpoint, model }: Pick<ResolvedImage, 'checkpoint' | 'model'>): AnalysisCheckpoint | null {
  return checkpoint ?? model ?? null
}

import { choosePreview, type ChosenMedia } from '../civitai/preview-choice.ts'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import { DomainError } from '../errors.ts'
import type { UploadShelf } from '../files/upload-shelf.ts'
import { preparePreview } from '../images/preview.ts'
import { SNIFFED_BYTES, isVideo, sniffMedia } from '../images/sniff-media.ts'
import type { IndexedModel } from '../models/entry.ts'
import { putPreview, type PutPreviewDeps } from '../models/put-preview.ts'
import type { Door } from '../network/types.ts'
import type { SettingsManager } from '../settings/types.ts'

export interface EnsurePreviewDeps extends PutPreviewDeps {
  door: Pick<Door, 'fetchPublic'>
  uploads: UploadShelf
  settings: Pick<SettingsManager, 'get'>
  /** A preview that can't be had fails no sync. */
  warn: (message: string, error: unknown) => void
}

/** Gives a model without a preview one of the media that its version names; answers the model as it is afterwards. */
export type EnsurePreview = (model: IndexedModel, version: Pick<CivitaiVersionDocument, 'images'>, options: { route: string, signal?: AbortSignal | undefined, urgent?: boolean }) => Promise<IndexedModel>

const MOST_BYTES = 50 * 1024 * 1024
/** A rendition that is no larger than this is kept as it came. */
const SMALL_BYTES = 1024 * 1024
const kept: ReadonlySet<string> = new Set(['.jpg', '.png', '.webp', '.avif'])

interface Fetched { content: Buffer, extension: string }

export function createEnsurePreview (deps: EnsurePreviewDeps): EnsurePreview {
  const { door, uploads, settings, warn } = deps

  /** By what the bytes are, whatever the address says. */
  async function finish (bytes: Buffer, isRendition: boolean): Promise<Fetched> {
    const ending = sniffMedia(bytes.subarray(0, SNIFFED_BYTES))
    if (ending !== undefined && (isVideo(ending) || (isRendition && kept.has(ending) && bytes.length <= SMALL_BYTES))) return { content: bytes, extension: ending }
    const file = await uploads.keep(bytes)
    try {
      const { extension, data } = await preparePreview(file)
      return { extension, content: data ?? bytes }
    } finally {
      await uploads.remove(file)
    }
  }

  async function fetch ({ url, smaller }: ChosenMedia, signal: AbortSignal | undefined, urgent: boolean): Promise<Fetched> {
    if (smaller !== null) {
      try {
        return await finish((await door.fetchPublic(smaller, { maxBytes: MOST_BYTES, signal, urgent })).body, true)
      } catch (error) {
        if (signal?.aborted || !(error instanceof DomainError)) throw error
        warn('the smaller rendition of a preview could not be used', error)
      }
    }
    return await finish((await door.fetchPublic(url, { maxBytes: MOST_BYTES, signal, urgent })).body, false)
  }

  return async (model, { images = [] }, { route, signal, urgent = false }) => {
    if (model.preview_url !== '') return model
    const media = choosePreview(images, { blur: settings.get('blur_mature_content') !== false, level: String(settings.get('mature_blur_level')) })
    if (!media) return model
    try {
      const { content, extension } = await fetch(media, signal, urgent)
      return await putPreview(deps, model.file_path, { content, extension, nsfwLevel: media.nsfwLevel, kind: 'sync-preview', route, onlyIfNone: true }) ?? model
    } catch (error) {
      if (signal?.aborted) throw error
      warn('a preview could not be fetched', error)
      return model
    }
  }
}

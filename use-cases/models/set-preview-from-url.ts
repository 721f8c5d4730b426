import { DomainError, InvalidInputError } from '../../services/errors.ts'
import { smallerRendition } from '../../services/models/civitai-media-url.ts'
import type { Door, PublicAnswer } from '../../services/network/types.ts'
import { nsfwLevel, previewedModel, storePreview, type PreviewDeps, type PreviewOutcome } from './store-preview.ts'

interface Deps extends PreviewDeps { door: Pick<Door, 'fetchPublic'>, warn: (message: string, error: unknown) => void }

const MOST_BYTES = 50 * 1024 * 1024

/**
 * Gives a model a preview from the web. What it is, its bytes say.
 * @throws InvalidInputError for missing fields, a URL that is not fetched from or no image or video; DomainError `upstream`, one text for every way a download fails
 */
export const setPreviewFromUrl = (deps: Deps) => async (body: Record<string, unknown>): Promise<PreviewOutcome> => {
  const { model_path: path, image_url: url, nsfw_level: level } = body
  if (typeof path !== 'string' || path === '') throw new InvalidInputError('Model path is required')
  if (typeof url !== 'string' || url === '') throw new InvalidInputError('Image URL is required')
  const { file_path: filePath } = previewedModel(deps.library, path)
  const { body: bytes } = await download(deps, smallerRendition(url))
  const file = await deps.uploads.keep(bytes)
  try {
    return await storePreview(deps)(filePath, file, nsfwLevel(level), 'set-preview-from-url')
  } finally {
    await deps.uploads.remove(file)
  }
}

async function download ({ door, warn }: Deps, url: string): Promise<PublicAnswer> {
  try {
    return await door.fetchPublic(url, { maxBytes: MOST_BYTES })
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'upstream') throw error
    // A client must not learn from the answer what does or doesn't listen somewhere.
    warn('a preview could not be downloaded', error)
    throw new DomainError('upstream', 'preview-download-failed', 'Failed to download image from URL', {}, { cause: error })
  }
}

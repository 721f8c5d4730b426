import type { UploadShelf } from '../../services/files/upload-shelf.ts'
import { preparePreview } from '../../services/images/preview.ts'
import { previewedModel, putPreview, type PutPreviewDeps } from '../../services/models/put-preview.ts'
import { previewUrl } from '../../services/models/preview-url.ts'

export { previewedModel } from '../../services/models/put-preview.ts'

export interface PreviewDeps extends PutPreviewDeps { uploads: UploadShelf }

export interface PreviewOutcome { preview_url: string, preview_nsfw_level: number }

/** Anything but a whole number is 0, "unknown". */
export function nsfwLevel (value: unknown): number {
  const level = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  return typeof level === 'number' && Number.isSafeInteger(level) && level >= 0 ? level : 0
}

/**
 * Makes a file the preview of a model, in whatever form the bytes are; answers when list, sidecar and disk say so.
 * The file stays the caller's.
 * @throws InvalidInputError when it is no image or video, and then nothing was touched
 */
export const storePreview = (deps: PreviewDeps) => async (path: string, file: string, level: number, route: string): Promise<PreviewOutcome> => {
  const { file_path: filePath } = previewedModel(deps.library, path)
  const { extension, data } = await preparePreview(file)
  const settled = await putPreview(deps, filePath, { content: data ?? file, extension, nsfwLevel: level, kind: 'replace-preview', route })
  return { preview_url: previewUrl(settled?.preview_url ?? ''), preview_nsfw_level: settled?.preview_nsfw_level ?? level }
}

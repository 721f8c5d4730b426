import type { Readable } from 'node:stream'
import { DomainError, InvalidInputError } from '../../services/errors.ts'
import { nsfwLevel, previewedModel, storePreview, type PreviewDeps, type PreviewOutcome } from './store-preview.ts'

/** A part of an upload as it comes in; a file has to be read before the next part comes. */
export type UploadPart = { name: string, value: unknown } | { name: string, content: Readable & { truncated?: boolean } }

/**
 * Gives a model the uploaded preview. The parts may come in any order.
 * @throws InvalidInputError for a missing part and for anything that is no image or video; DomainError `too-large`
 */
export const replacePreview = (deps: PreviewDeps) => async (parts: AsyncIterable<UploadPart>): Promise<PreviewOutcome> => {
  const store = storePreview(deps)
  const fields = new Map<string, unknown>()
  let file: string | undefined
  try {
    for await (const part of parts) {
      if ('value' in part) {
        fields.set(part.name, part.value)
        // A path that can't be is refused before megabytes are taken in.
        if (part.name === 'model_path') previewedModel(deps.library, modelPath(fields))
      } else if (part.name === 'preview_file' && file === undefined) {
        file = await deps.uploads.keep(part.content)
        if (part.content.truncated) throw new DomainError('too-large', 'upload-too-large', 'The file is larger than 100 MB')
      } else {
        part.content.resume()
      }
    }
    const path = modelPath(fields)
    if (file === undefined) throw new InvalidInputError('Expected a preview_file part')
    return await store(path, file, nsfwLevel(fields.get('nsfw_level')), 'replace-preview')
  } finally {
    if (file !== undefined) await deps.uploads.remove(file)
  }
}

function modelPath (fields: ReadonlyMap<string, unknown>): string {
  const path = fields.get('model_path')
  if (typeof path !== 'string' || path === '') throw new InvalidInputError('Expected a model_path part')
  return path
}

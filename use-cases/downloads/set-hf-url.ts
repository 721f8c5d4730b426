import { InvalidInputError, NotFoundError, PathOutsideLibraryError } from '../../services/errors.ts'
import type { EditSidecar } from '../../services/models/edit-sidecar.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ProgressHub } from '../../services/progress/types.ts'

export interface SetHfUrlDeps {
  /** Each with the way to edit sidecars in it. */
  libraries: readonly { library: ModelLibrary, editSidecar: EditSidecar }[]
  hub: Pick<ProgressHub, 'publish'>
}

const REPOSITORY = /^https?:\/\/huggingface\.co\/[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+\/?$/

/** Ties a model to a repository of Hugging Face. @throws InvalidInputError, PathOutsideLibraryError, NotFoundError, and what an edit of a sidecar throws */
export const setHfUrl = ({ libraries, hub }: SetHfUrlDeps) => async ({ file_path: path, hf_url: url }: Record<string, unknown>): Promise<{ message: string, hf_url: string }> => {
  if (typeof path !== 'string' || path.trim() === '' || typeof url !== 'string' || url.trim() === '') throw new InvalidInputError('Missing required parameters: file_path, hf_url')
  const address = url.trim()
  if (!REPOSITORY.test(address)) throw new InvalidInputError('Invalid hf_url: it must be https://huggingface.co/user/repo')
  const { library, editSidecar } = holding(libraries, path)
  if (!library.index.get(library.contain(path).path)) throw new NotFoundError('Model file not found', 'model-not-found')
  const { model, operation } = await editSidecar({
    path,
    kind: 'edit',
    route: 'set-hf-url',
    summary: 'Tie a model to Hugging Face',
    change (document) { Object.assign(document, { hf_url: address, from_civitai: false }) }
  })
  hub.publish('model.updated', { model_type: library.type.name, file_path: model.file_path }, operation === null ? {} : { operation })
  return { message: 'The model is tied to its repository', hf_url: address }
}

function holding (libraries: SetHfUrlDeps['libraries'], path: string): SetHfUrlDeps['libraries'][number] {
  for (const one of libraries) {
    try {
      one.library.contain(path)
      return one
    } catch (error) {
      if (!(error instanceof PathOutsideLibraryError)) throw error
    }
  }
  throw new PathOutsideLibraryError()
}

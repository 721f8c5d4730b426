import { NotFoundError } from '../../services/errors.ts'
import type { ShownImages } from '../../services/example-images/shown-images.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

interface Deps { library: ModelLibrary, shownImages: ShownImages, warn: (message: string, error: unknown) => void }

/** What of the CivitAI version is answered; further members stay on disk. */
const ANSWERED = ['id', 'modelId', 'name', 'createdAt', 'updatedAt', 'publishedAt', 'trainedWords', 'baseModel', 'description', 'model', 'images', 'customImages', 'creator'] as const

const asObject = (value: unknown): Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {}

/** @throws InvalidInputError, PathOutsideLibraryError, NotFoundError */
function sidecarOf (library: ModelLibrary, query: RawQuery): { path: string, sidecar: Record<string, unknown> } {
  const { path } = library.contain(requiredText(query.file_path, 'File path is required'))
  const sidecar = library.sidecar(path)
  if (!sidecar) throw new NotFoundError('Model not found or without metadata')
  return { path, sidecar }
}

/** The CivitAI part of the sidecar, with the images that can be shown. Afterwards the model is compared with its files, so that sidecars edited by hand are noticed. */
export const getMetadata = ({ library, shownImages, warn }: Deps) => async (query: RawQuery): Promise<Record<string, unknown>> => {
  const { path, sidecar } = sidecarOf(library, query)
  library.refresh(path).catch((error: unknown) => { warn('A model could not be compared with its files', error) })
  const civitai = asObject(sidecar.civitai)
  const answered = Object.fromEntries(ANSWERED.filter((key) => Object.hasOwn(civitai, key)).map((key) => [key, civitai[key]]))
  return await shownImages.among(library.index.get(path)?.sha256 ?? '', answered)
}

export const getModelDescription = ({ library }: Pick<Deps, 'library'>) => (query: RawQuery): string => {
  const { sidecar } = sidecarOf(library, query)
  const model = asObject(asObject(sidecar.civitai).model)
  return [sidecar.modelDescription, model.description].find((text): text is string => typeof text === 'string' && text !== '') ?? ''
}

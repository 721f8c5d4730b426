import { DomainError } from '../../services/errors.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import { filesOf, findFolder, type ExampleImageFile } from '../../services/example-images/folder-files.ts'
import { isExampleName } from '../../services/example-images/media-names.ts'
import { readModelHash } from '../../services/example-images/model-hash.ts'
import { customIds } from '../../services/example-images/sidecar-images.ts'
import { findModel } from '../../services/example-images/targets.ts'
import type { StaticRequest } from '../../services/example-images/static-serving.ts'
import type { PreviewAnswer } from '../../services/models/preview-serving.ts'

type Deps = Pick<ExampleImages, 'places' | 'libraries'>

/** The files of a model, regular ones by number, then custom ones as the metadata has them. @throws InvalidInputError, ExampleImagesUnavailableError, NotFoundError with `files` */
export const listFiles = ({ places, libraries }: Deps) => async (modelHash: unknown): Promise<ExampleImageFile[]> => {
  const hash = readModelHash(modelHash)
  const found = await findFolder(places.required(), hash)
  if (!found) throw new DomainError('not-found', 'example-images-missing', 'No example images found for this model', { files: [] })
  return filesOf(found, customOrder(libraries, hash))
}

/** While the index is not there yet, names tell the order well enough. */
function customOrder (libraries: Deps['libraries'], hash: string): string[] {
  if (libraries.some(({ opened }) => !opened)) return []
  const model = findModel(libraries, hash)
  return model ? customIds(model.library.sidecar(model.model.file_path)) : []
}

export interface HasAnswer { has_images: boolean, error?: string }

/** @throws InvalidInputError with `has_images: false` when the hash is none; nothing else keeps it from an answer */
export const hasFiles = ({ places }: Pick<Deps, 'places'>) => async (modelHash: unknown): Promise<HasAnswer> => {
  const hash = hashOrRefusal(modelHash)
  const place = places.find()
  if (!place) return { has_images: false, error: 'No example images path configured' }
  try {
    return { has_images: (await findFolder(place, hash))?.names.some(isExampleName) ?? false }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { has_images: false, error: error.message }
  }
}

function hashOrRefusal (value: unknown): string {
  try {
    return readModelHash(value)
  } catch (error) {
    throw error instanceof DomainError ? new DomainError(error.kind, error.code, error.message, { has_images: false }) : error
  }
}

/** @throws NotFoundError, OfflineError */
export const serveFile = ({ staticServing }: Pick<ExampleImages, 'staticServing'>) => async (request: StaticRequest): Promise<PreviewAnswer> => await staticServing.open(request)

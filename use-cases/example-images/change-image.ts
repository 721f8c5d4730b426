import { InvalidInputError } from '../../services/errors.ts'
import { readCustomId } from '../../services/example-images/custom-id.ts'
import type { GalleryAnswer } from '../../services/example-images/custom-images.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import { readModelHash } from '../../services/example-images/model-hash.ts'
import type { ImageSelector } from '../../services/example-images/sidecar-images.ts'

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

export interface DeleteBody { model_hash?: unknown, short_id?: unknown }

/** Takes a custom image away, its file to the bin. @throws InvalidInputError, ExampleImagesUnavailableError, NotFoundError, OfflineError */
export const deleteImage = ({ places, customImages }: Pick<ExampleImages, 'places' | 'customImages'>) => async ({ model_hash: hash, short_id: id }: DeleteBody): Promise<GalleryAnswer> => {
  if (!isGiven(hash) || !isGiven(id)) throw new InvalidInputError('Missing required parameters: model_hash and short_id', 'parameters-missing')
  const model = readModelHash(hash)
  const custom = readCustomId(id)
  return await customImages.remove(places.required(), model, custom)
}

export interface RateBody { model_hash?: unknown, nsfw_level?: unknown, source?: unknown, index?: unknown, id?: unknown, url?: unknown }

/** 0 unknown, 1 PG, 2 PG13, 4 R, 8 X, 16 XXX, 32 blocked. */
const LEVELS: ReadonlySet<number> = new Set([0, 1, 2, 4, 8, 16, 32])

/** Rates one image of a model. An address says better than a place which one is meant. @throws InvalidInputError, NotFoundError */
export const rateImage = ({ customImages }: Pick<ExampleImages, 'customImages'>) => async (body: RateBody): Promise<GalleryAnswer & { nsfw_level: number }> => {
  if (!isGiven(body.model_hash) || !isGiven(body.nsfw_level)) throw new InvalidInputError('Missing required parameters: model_hash and nsfw_level', 'parameters-missing')
  const hash = readModelHash(body.model_hash)
  const level = integer(body.nsfw_level)
  if (level === undefined || !LEVELS.has(level)) throw new InvalidInputError('"nsfw_level" must be 0, 1, 2, 4, 8, 16 or 32', 'nsfw-level-invalid')
  return { ...await customImages.rate(hash, readSelector(body), level), nsfw_level: level }
}

function readSelector ({ source = 'civitai', index, id, url }: RateBody): ImageSelector {
  if (source === 'custom') {
    if (typeof id !== 'string' || id === '') throw new InvalidInputError('Custom images are named by "id"', 'image-id-missing')
    return { source, id }
  }
  if (source !== 'civitai') throw new InvalidInputError('"source" must be civitai or custom', 'source-invalid')
  if (typeof url === 'string' && url !== '') return { source, url }
  const place = integer(index)
  if (place === undefined || place < 0) throw new InvalidInputError('"index" must be a number', 'index-invalid')
  return { source, index: place }
}

/** A whole number, also as text. */
function integer (value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\s*\d{1,9}\s*$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

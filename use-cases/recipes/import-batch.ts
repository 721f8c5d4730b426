import { readPageAddress } from '../../services/civitai/addresses.ts'
import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { isObject, readTexts } from '../../services/models/read-value.ts'
import type { BatchImports, BatchInput, ItemOutcome } from '../../services/recipes/batch-import.ts'
import { listImages } from '../../services/recipes/image-folder.ts'
import type { BatchProgress, BatchSource } from '../../services/recipes/import-board.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import type { ReadablePlaces } from '../../services/recipes/readable-places.ts'
import type { RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import type { SourceImage, SourceImages } from '../../services/recipes/source-images.ts'
import { requireFile } from './analyze-image.ts'
import { requireDirectory } from './browse-directory.ts'

const MOST_ITEMS = 50_000
const TITLE_LENGTH = 100

/** @throws ConflictError while a batch runs; InvalidInputError */
export const startBatchImport = ({ batches }: { batches: BatchImports }) => (body: Record<string, unknown>): string => {
  batches.requireIdle()
  const { items } = body
  if (!Array.isArray(items) || items.length === 0) throw new InvalidInputError('No items provided', 'items-missing')
  if (items.length > MOST_ITEMS) throw new InvalidInputError(`A batch may have at most ${MOST_ITEMS} items`)
  return batches.start({ ...readOptions(body, { skipNoMetadata: false, skipDuplicates: false }), items: items.map(readItem) })
}

/** @throws ConflictError while a batch runs; InvalidInputError, ForbiddenPathError */
export const startDirectoryImport = ({ batches, places }: { batches: BatchImports, places: ReadablePlaces }) => async (body: Record<string, unknown>): Promise<string> => {
  batches.requireIdle()
  const { directory, recursive } = body
  if (typeof directory !== 'string' || directory.trim() === '') throw new InvalidInputError('Directory path is required', 'path-missing')
  const folder = places.resolve(directory)
  await requireDirectory(folder).catch((error: unknown) => {
    throw error instanceof NotFoundError ? new InvalidInputError('The path is not a directory', 'not-a-directory') : error
  })
  const images = await listImages(folder, recursive !== false)
  if (images.length === 0) throw new InvalidInputError('No images found in this directory', 'items-missing')
  return batches.start({ ...readOptions(body, { skipNoMetadata: true, skipDuplicates: true }), items: images.map((source) => ({ source, type: 'local_path' as const })) })
}

/** @throws InvalidInputError, NotFoundError */
export const getBatchProgress = ({ batches }: { batches: BatchImports }) => (id: unknown): BatchProgress => {
  const found = batches.progress(readId(id))
  if (!found) throw new NotFoundError('Operation not found', 'operation-not-found')
  return found
}

/** @throws InvalidInputError, NotFoundError for one that is over too */
export const cancelBatchImport = ({ batches }: { batches: BatchImports }) => (id: unknown): void => {
  if (!batches.cancel(readId(id))) throw new NotFoundError('Operation not found or already finished', 'operation-not-found')
}

function readId (id: unknown): string {
  if (typeof id !== 'string' || id.trim() === '') throw new InvalidInputError('operation_id is required', 'field-missing')
  return id.trim()
}

function readOptions (body: Record<string, unknown>, usual: Pick<BatchInput, 'skipNoMetadata' | 'skipDuplicates'>): Omit<BatchInput, 'items'> {
  const flag = (value: unknown, fallback: boolean): boolean => typeof value === 'boolean' ? value : fallback
  return {
    tags: readTexts(body.tags),
    skipNoMetadata: flag(body.skip_no_metadata, usual.skipNoMetadata),
    skipDuplicates: flag(body.skip_duplicates, usual.skipDuplicates)
  }
}

function readItem (item: unknown): BatchSource {
  const source = isObject(item) && typeof item.source === 'string' ? item.source.trim() : ''
  if (source === '') throw new InvalidInputError('Each item must have a source', 'source-missing')
  const isLocal = isObject(item) && item.type === 'local_path' && !/^https?:/i.test(source)
  return { source, type: isLocal ? 'local_path' : 'url' }
}

export interface ImportOneDeps { images: SourceImages, maker: RecipeMaker, places: ReadablePlaces, shelf: Pick<RecipeShelf, 'bySource' | 'byImageId'> }

/** One image of a batch. @throws whatever keeps it from becoming a recipe */
export const importOne = ({ images, maker, places, shelf }: ImportOneDeps) => async ({ source, type }: BatchSource, input: BatchInput, signal: AbortSignal): Promise<ItemOutcome> => {
  const options = { signal, urgent: false }
  const earlier = input.skipDuplicates ? importedBefore(shelf, source) : undefined
  if (earlier !== undefined) return { status: 'skipped', reason: 'Imported before', recipeId: earlier }

  const take = async (image: SourceImage): Promise<ItemOutcome> => {
    const refusal = whyNot(image, input.skipNoMetadata)
    if (refusal !== null) return { status: 'skipped', reason: refusal }
    const draft = await maker.compose(image, { fallbackTitle: fallbackTitle(image, source, type), tags: input.tags, source_path: source }, options)
    signal.throwIfAborted()
    const { document } = await maker.save({ ...draft, title: draft.title.slice(0, TITLE_LENGTH) }, image, { route: 'batch-import' })
    return { status: 'success', recipeId: document.id, recipeName: document.title }
  }

  if (type === 'url') {
    if (!URL.canParse(source) || !/^https?:$/.test(new URL(source).protocol)) throw new InvalidInputError('The address is not usable', 'url-invalid')
    return await images.fromUrl(source, options, take)
  }
  if (source.split(/[/\\]/).includes('..')) throw new InvalidInputError('The path must not contain ".."', 'path-invalid')
  const file = places.resolve(source)
  await requireFile(file)
  return await images.fromFile(file, options, take)
}

function importedBefore (shelf: ImportOneDeps['shelf'], source: string): string | undefined {
  const page = readPageAddress(source)
  return (page?.page === 'image' ? shelf.byImageId(String(page.imageId))[0] : undefined) ?? shelf.bySource(source)[0]
}

/** Why an image is passed over; @throws InvalidInputError when that was not asked for */
function whyNot ({ image, problem, format }: SourceImage, skip: boolean): string | null {
  if (format === null) throw new InvalidInputError('The file is no image or video', 'not-an-image')
  if (!image) {
    const text = problem === 'no-parser' ? 'No metadata of a kind that is understood' : 'No metadata found in this image'
    if (skip) return text
    throw new InvalidInputError(text, 'no-metadata')
  }
  return skip && image.loras.length === 0 ? 'No LoRAs found in this image' : null
}

/** Of an image that neither bears a title nor a prompt. */
function fallbackTitle ({ image }: SourceImage, source: string, type: BatchSource['type']): string {
  if (type === 'local_path') return source.slice(source.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '').slice(0, TITLE_LENGTH) || 'Imported Recipe'
  const lora = image?.loras[0]?.name
  return lora ? `Import - ${lora}`.slice(0, TITLE_LENGTH) : `Imported Recipe ${source.slice(-8)}`
}

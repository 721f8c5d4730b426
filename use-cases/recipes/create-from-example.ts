import { readdir } from 'node:fs/promises'
import { cdnImageId, imagePageAddress } from '../../services/civitai/addresses.ts'
import { InvalidInputError } from '../../services/errors.ts'
import { containedIn, normalizeClientPath } from '../../services/files/safe-path.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelIndex } from '../../services/models/ports.ts'
import { isObject } from '../../services/models/read-value.ts'
import { levelOf } from '../../services/recipes/page-facts.ts'
import type { MediaIntake } from '../../services/recipes/media-intake.ts'
import type { ImageReader } from '../../services/recipes/read-image.ts'
import type { ResolvedImage } from '../../services/recipes/resolve-types.ts'
import type { RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import type { RecipeLoraEntry } from '../../services/recipes/schema.ts'
import type { SourceImage } from '../../services/recipes/source-images.ts'
import { storedLoras } from '../../services/recipes/stored-lora.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { requireFile } from './analyze-image.ts'
import { saveResult, type SaveResult } from './save-recipe.ts'

interface Deps {
  reader: ImageReader
  intake: MediaIntake
  maker: RecipeMaker
  loras: Pick<ModelIndex, 'byHash'>
  checkpoints: Pick<ModelIndex, 'byHash'>
  settings: Pick<SettingsManager, 'get'>
  /** Folders that example images may be taken from: those of models and of examples. */
  exampleFolders: () => string[]
}

interface Request { image: Record<string, unknown>, hash: string, name: string, kind: 'lora' | 'checkpoint' | null, localPath: string }

const IMAGE_ENDING = /\.(?:jpe?g|png|webp|gif|avif|mp4|webm)$/i

/**
 * Makes a recipe of an example image of a model (recipes §13.4). The model itself belongs to it, also where the image's own
 * words do not name it, or name it as one that is gone.
 * @throws InvalidInputError, PathOutsideLibraryError; DomainError `invalid` when the image can't be had
 */
export const createFromExample = (deps: Deps) => async (body: Record<string, unknown>): Promise<SaveResult> => {
  const request = readRequest(body)
  const { image, name } = request
  const meta = isObject(image.meta) ? image.meta : {}
  const told = await deps.reader.meta({ ...image, ...meta }, { urgent: true })
  if (!told) throw new InvalidInputError('The metadata of this example is of a kind that is not understood', 'no-parser')
  const { file, own } = await mediaOf(deps, request)
  try {
    // What CivitAI says of the image came along: nobody is asked for it again.
    const page = { imageId: 0, url: '', originalUrl: '', video: false, meta, level: levelOf(image), versionId: null }
    const source: SourceImage = { image: told, problem: null, format: null, hasWorkflow: false, file, extension: '', video: false, page }
    const parts = withParent(deps, request, told)
    const draft = await deps.maker.compose(source, { fallbackTitle: `Recipe from ${name}`, source_path: sourceOf(deps, image), ...parts }, { urgent: true })
    return saveResult(await deps.maker.save(draft, { file, extension: endingOf(image) }, { route: 'create-from-example' }))
  } finally {
    if (own) await deps.intake.remove(file)
  }
}

function readRequest ({ image_data: image, model_hash: hash, model_name: name, model_type: type, local_image_path: localPath }: Record<string, unknown>): Request {
  if (!isObject(image) || typeof hash !== 'string' || hash === '' || typeof name !== 'string' || name === '') {
    throw new InvalidInputError('Missing required fields: image_data, model_hash, model_name', 'field-missing')
  }
  const kind = typeof type !== 'string' ? null : type.startsWith('lora') ? 'lora' : type.startsWith('checkpoint') ? 'checkpoint' : null
  return { image, hash: hash.toLowerCase(), name, kind, localPath: typeof localPath === 'string' ? localPath.trim() : '' }
}

/** The file named, else the address, else what the model's example folder has of it. */
async function mediaOf (deps: Deps, { image, hash, localPath }: Request): Promise<{ file: string, own: boolean }> {
  if (localPath !== '') {
    const path = contained(deps, localPath)
    if (await isThere(path)) return { file: path, own: false }
  }
  const url = typeof image.url === 'string' ? image.url : ''
  if (/^https?:/i.test(url)) return { file: await deps.intake.fetch(url, { urgent: true }), own: true }
  const custom = await customExample(deps, hash, image.id)
  if (custom !== null) return { file: custom, own: false }
  throw new InvalidInputError('There is no image to make a recipe of', 'image-missing')
}

/** @throws InvalidInputError for a path outside the folders of models and examples, or of no image */
function contained ({ exampleFolders }: Deps, given: string): string {
  const path = normalizeClientPath(given)
  if (!exampleFolders().some((folder) => containedIn(folder, path)) || !IMAGE_ENDING.test(path)) {
    throw new InvalidInputError('local_image_path must be an image among the examples or models', 'path-outside-library')
  }
  return path
}

async function isThere (path: string): Promise<boolean> {
  return await requireFile(path).then(() => true, (error: unknown) => {
    if (error instanceof Error && 'kind' in error && error.kind === 'not-found') return false
    throw error
  })
}

async function customExample ({ settings }: Deps, hash: string, id: unknown): Promise<string | null> {
  const examples: unknown = settings.get('example_images_path')
  if (typeof examples !== 'string' || examples === '' || typeof id !== 'string' || !/^[\w-]{1,100}$/.test(id) || !/^[0-9a-f]{8,64}$/.test(hash)) return null
  const folder = `${normalizeClientPath(examples)}/${hash}`
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
  const name = names.find((one) => one.includes(`custom_${id}`) && IMAGE_ENDING.test(one))
  return name === undefined ? null : `${folder}/${name}`
}

function sourceOf ({ settings }: Deps, { url }: Record<string, unknown>): string {
  const address = typeof url === 'string' ? url : ''
  const imageId = cdnImageId(address)
  const host: unknown = settings.get('civitai_host')
  return imageId === null ? address : imagePageAddress(typeof host === 'string' && host !== '' ? host : 'civitai.com', imageId)
}

function endingOf ({ url, type }: Record<string, unknown>): string | undefined {
  const ending = typeof url === 'string' ? /\.(?:mp4|webm)(?=$|\?)/i.exec(url)?.[0].toLowerCase() : undefined
  return ending ?? (type === 'video' ? '.mp4' : undefined)
}

/** The LoRAs and the checkpoint with the model whose example this is. */
function withParent (deps: Deps, { hash, name, kind }: Request, told: ResolvedImage): { loras?: RecipeLoraEntry[], checkpoint?: Record<string, unknown> } {
  const model = (kind === 'checkpoint' ? deps.checkpoints : deps.loras).byHash(hash)[0]
  const loras = storedLoras(told.loras).map((entry) => entry.isDeleted === true && entry.file_name === name && kind !== 'checkpoint' ? parentLora(model, hash, name, entry.strength) : entry)
  const own = told.checkpoint ?? told.model
  if (kind === 'lora' && loras.length === 0) return { loras: [parentLora(model, hash, name, 1)] }
  const restored = own?.isDeleted === true && own.file_name === name
  const checkpoint = kind === 'checkpoint' && (!own || restored) ? parentCheckpoint(model, hash, name) : undefined
  return { loras, ...(checkpoint && { checkpoint }) }
}

function parentLora (model: IndexedModel | undefined, hash: string, name: string, strength: RecipeLoraEntry['strength']): RecipeLoraEntry {
  return {
    file_name: model?.file_name ?? name,
    hash: model?.sha256 || hash,
    strength: strength ?? 1,
    modelVersionId: model?.civitai?.id ?? 0,
    modelName: model?.model_name || name,
    modelVersionName: model?.civitai?.name ?? '',
    isDeleted: false,
    exclude: false
  }
}

function parentCheckpoint (model: IndexedModel | undefined, hash: string, name: string): Record<string, unknown> {
  return {
    type: 'checkpoint',
    modelId: model?.civitai?.modelId,
    modelVersionId: model?.civitai?.id,
    name: model?.model_name || name,
    version: model?.civitai?.name,
    hash: model?.sha256 || hash,
    file_name: model?.file_name ?? name,
    baseModel: model?.base_model
  }
}

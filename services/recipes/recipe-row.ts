import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { readPageAddress } from '../civitai/addresses.ts'
import { readText } from '../models/read-value.ts'
import { fingerprint } from './fingerprint.ts'
import { readId } from './float-text.ts'
import { withGenParamAliases } from './gen-params.ts'
import { readImageFacts, sameImage, statFile, type ImageFacts } from './image-facts.ts'
import { MAX_RECIPE_BYTES, parseRecipeFile, readRecipe, type RawRecipe } from './recipe-file.ts'
import type { RecipeDocument } from './schema.ts'

/** What of a recipe the index compares and sorts by; short, since all of them are read at every start. */
export interface RecipeFacts {
  title: string
  baseModel: string
  favorite: boolean
  /** 0 unknown */
  level: number
  modified: number
  created: number
  tags: string[]
  source: string
  fingerprint: string
  /** Of each LoRA, lower-case; "" where none is given. */
  hashes: string[]
  /** CivitAI versions of each LoRA, 0 unknown. */
  versions: number[]
  /** File names of each LoRA as they are stored. */
  names: string[]
  checkpoint: string
  checkpointVersion: number
  /** Of the CivitAI image that it was imported from, or "". */
  imageId: string
}

/** What all recipes are ordered and filtered by. Numbers, so that a start has them without parsing anything. */
export interface RecipeNumbers {
  modified: number
  created: number
  /** 0 unknown */
  level: number
  /** 0 or 1 */
  favorite: number
  tagCount: number
  loraCount: number
}

/** One recipe as it is kept in the cache: what the index needs, and its body. */
export interface RecipeRow extends RecipeBody {
  jsonPath: string
  recipeId: string
  folder: string
  size: number
  mtime: number
  image: ImageFacts
  /** What the file says of its image differs from where the image lies. */
  moved: boolean
  facts: RecipeFacts
}

/** The members of an answer as JSON. */
export interface RecipeBody {
  /** Members as JSON without braces, LoRAs, checkpoint and parameters left out. */
  members: string
  /** One entry per line, "" without any. */
  loras: string
  /** "" without one. */
  checkpoint: string
  params: string
  /** Parameters as answers show them, "" when that is what is stored. */
  shownParams: string
}

/** Why a file is no recipe; it is left alone. */
export interface RecipeProblem { problem: string }

/** @returns the row; why there is none; or undefined when the file is gone */
export async function describeRecipe (jsonPath: string, folder: string, known?: { image: ImageFacts }): Promise<RecipeRow | RecipeProblem | undefined> {
  const file = await readRecipeFile(jsonPath)
  if (file === undefined) return undefined
  if ('problem' in file) return file
  const imagePath = await findImage(readText(file.raw.file_path), jsonPath)
  const stats = imagePath === '' ? null : await statFile(imagePath)
  const image = known && sameImage(known.image, imagePath, stats) ? known.image : await readImageFacts(imagePath)
  return rowOf(file, { jsonPath, folder, image })
}

export type ReadRecipeFile = Extract<RawRecipe, { raw: unknown }> & { stats: Stats }

/** @returns undefined when the file is gone */
export async function readRecipeFile (jsonPath: string): Promise<ReadRecipeFile | RecipeProblem | undefined> {
  try {
    const stats = await stat(jsonPath)
    if (!stats.isFile()) return { problem: 'it is not a file' }
    if (stats.size > MAX_RECIPE_BYTES) return { problem: 'it is too large' }
    const parsed = parseRecipeFile(await readFile(jsonPath))
    return 'problem' in parsed ? parsed : { ...parsed, stats }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return undefined
    throw error
  }
}

/** The image beside the document, where there is one of its name: libraries are moved as a whole. Else the path that the file names. */
export async function findImage (named: string, jsonPath: string): Promise<string> {
  if (named === '') return ''
  const slashed = named.replaceAll('\\', '/')
  const beside = `${dirname(jsonPath)}/${basename(slashed)}`
  return beside === slashed || await statFile(beside) !== null ? beside : slashed
}

function rowOf ({ raw, stats }: ReadRecipeFile, { jsonPath, folder, image }: { jsonPath: string, folder: string, image: ImageFacts }): RecipeRow {
  const document = readRecipe(raw, { imagePath: image.path, folder })
  document.has_workflow ??= image.hasWorkflow
  // files of some writers have none, and duplicates are found all the same
  const own = fingerprint(document.loras)
  if (readText(document.fingerprint) === '' && own !== '') document.fingerprint = own
  const { loras, gen_params: params, checkpoint, ...members } = document
  const paramsText = JSON.stringify(params)
  const shown = JSON.stringify(withGenParamAliases(params))
  return {
    jsonPath,
    recipeId: document.id,
    folder,
    size: stats.size,
    mtime: stats.mtimeMs,
    image,
    moved: readText(raw.file_path).replaceAll('\\', '/') !== image.path,
    facts: readFacts(document),
    members: JSON.stringify(members).slice(1, -1),
    loras: loras.map((entry) => JSON.stringify(entry)).join('\n'),
    checkpoint: checkpoint ? JSON.stringify(checkpoint) : '',
    params: paramsText,
    shownParams: shown === paramsText ? '' : shown
  }
}

export function numbersOf ({ modified, created, level, favorite, tags, hashes }: RecipeFacts): RecipeNumbers {
  return { modified, created, level, favorite: Number(favorite), tagCount: tags.length, loraCount: hashes.length }
}

function readFacts (document: RecipeDocument): RecipeFacts {
  const { loras, checkpoint } = document
  const hashes = loras.map((entry) => readText(entry.hash).toLowerCase())
  return {
    title: document.title,
    baseModel: document.base_model ?? '',
    favorite: document.favorite === true,
    level: typeof document.preview_nsfw_level === 'number' ? document.preview_nsfw_level : 0,
    modified: seconds(document.modified),
    created: seconds(document.created_date),
    tags: document.tags ?? [],
    source: readText(document.source_path),
    fingerprint: readText(document.fingerprint),
    hashes,
    versions: loras.map((entry) => readId(entry.modelVersionId)),
    names: loras.map((entry) => readText(entry.file_name)),
    checkpoint: readText(checkpoint?.hash).toLowerCase(),
    checkpointVersion: readId(checkpoint?.modelVersionId) || readId(checkpoint?.id),
    imageId: imageIdOf(readText(document.source_path))
  }
}

function imageIdOf (source: string): string {
  const page = source.startsWith('http') ? readPageAddress(source) : null
  return page?.page === 'image' ? String(page.imageId) : ''
}

function seconds (value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

import { isDeepStrictEqual } from 'node:util'
import { editJsonText } from '../models/edit-json-text.ts'
import { isObject } from '../models/read-value.ts'
import { readCheckpoint } from './checkpoint-entry.ts'
import type { RecipeDocument } from './schema.ts'

export const RECIPE_ENDING = '.recipe.json'
/** A recipe is a few kilobytes; whatever is larger is something else under its name. */
export const MAX_RECIPE_BYTES = 16 * 1024 * 1024

const VIDEO = /\.(?:mp4|webm|mov|mkv|avi)$/i

export function isRecipeFile (name: string): boolean {
  return name.length > RECIPE_ENDING.length && name.toLowerCase().endsWith(RECIPE_ENDING)
}

export function isVideoFile (path: string): boolean {
  return VIDEO.test(path)
}

/** An id that a file name can be made of: it comes from clients and from files that others wrote. */
export function isSafeId (id: string): boolean {
  return id !== '' && id !== '.' && id !== '..' && id.length <= 200 && !/[/\\\0]/.test(id)
}

/** The object in the file, as it stands there, and its bytes without a mark of their order. */
export type RawRecipe = { raw: Record<string, unknown>, bytes: Buffer } | { problem: string }

export function parseRecipeFile (file: Buffer): RawRecipe {
  const bytes = file[0] === 0xef && file[1] === 0xbb && file[2] === 0xbf ? file.subarray(3) : file
  let raw: unknown
  try {
    raw = JSON.parse(bytes.toString('utf8'))
  } catch {
    return { problem: 'it is not JSON' }
  }
  if (!isObject(raw)) return { problem: 'it is not an object' }
  const missing = ['id', 'file_path', 'title'].filter((name) => raw[name] === undefined || raw[name] === null)
  if (missing.length > 0) return { problem: `it lacks ${missing.join(', ')}` }
  if (!isSafeId(String(raw.id))) return { problem: 'its id cannot be the name of a file' }
  return { raw, bytes }
}

/**
 * What a file means, older spellings put right (recipes §1.3 to §1.6). `imagePath` and `folder` are where things lie now, whatever
 * the file says. Nothing of the file is lost: unknown members stay, in their order.
 */
export function readRecipe (raw: Readonly<Record<string, unknown>>, { imagePath, folder }: { imagePath: string, folder: string }): RecipeDocument {
  const checkpoint = readCheckpoint(raw.checkpoint)
  const { checkpoint: _, ...rest } = raw
  return {
    ...rest,
    id: String(raw.id),
    file_path: imagePath,
    title: String(raw.title),
    base_model: typeof raw.base_model === 'string' ? raw.base_model : '',
    folder,
    loras: Array.isArray(raw.loras) ? raw.loras.map((entry) => isObject(entry) ? entry : {}) : [],
    gen_params: isObject(raw.gen_params) ? raw.gen_params : {},
    ...(checkpoint && { checkpoint }),
    ...(raw.tags !== undefined && { tags: Array.isArray(raw.tags) ? raw.tags.filter((tag) => typeof tag === 'string') : [] })
  } as RecipeDocument
}

/**
 * The text of the file after an edit: `before` is what was read of it, `after` what is wanted. Members that the edit left alone
 * keep their bytes, also where reading put them right.
 */
export function editRecipeText ({ raw, bytes }: { raw: Record<string, unknown>, bytes: Buffer }, before: RecipeDocument, after: RecipeDocument): string {
  const next: Record<string, unknown> = {}
  for (const key of Object.keys(raw)) {
    if (isDeepStrictEqual(after[key], before[key])) next[key] = raw[key]
    else if (after[key] !== undefined) next[key] = after[key]
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(raw, key) && value !== undefined && !isDeepStrictEqual(value, before[key])) next[key] = value
  }
  return editJsonText(bytes, raw, next)
}

/** The text of a new file, as the programs of the family write it. */
export function newRecipeText (document: Record<string, unknown>): string {
  return JSON.stringify(document, null, 4)
}

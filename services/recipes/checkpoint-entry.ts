import { isObject } from '../models/read-value.ts'
import type { RecipeCheckpointEntry } from './schema.ts'

/** What answers say of an entry and files never do. */
export const TRANSIENT_MEMBERS: readonly string[] = ['existsLocally', 'localPath', 'thumbnailUrl', 'size', 'downloadUrl', 'inLibrary', 'preview_url', 'matched_by', 'renamed', 'ambiguous', 'unresolved', 'sameModelLocal']

const WEIGHT_ENDING = /\.(?:safetensors|ckpt|pt|pt2|bin|pth|pkl|sft|gguf)$/i

/** Base name of a file without the ending of a weight file. */
export function weightStem (name: string): string {
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1).replace(WEIGHT_ENDING, '')
}

/** A path without the ending of a weight file, `/` as separator. */
export function withoutWeightEnding (name: string): string {
  return name.replaceAll('\\', '/').replace(WEIGHT_ENDING, '')
}

/** The checkpoint of a recipe whatever its file holds: an object, a name, a list of one; anything else is none. */
export function readCheckpoint (value: unknown): RecipeCheckpointEntry | undefined {
  if (Array.isArray(value)) return value.length === 1 ? readCheckpoint(value[0]) : undefined
  if (typeof value === 'string') return value.trim() === '' ? undefined : { name: value, file_name: weightStem(value) }
  return isObject(value) && Object.keys(value).length > 0 ? value : undefined
}

/** The one form in which a checkpoint is written: both namings of everything, without what only answers say. */
export function canonicalCheckpoint (entry: Readonly<Record<string, unknown>>): RecipeCheckpointEntry {
  const both = (...names: string[]): unknown => names.map((name) => entry[name]).find((value) => value !== null && value !== undefined && value !== '')
  const version = both('modelVersionId', 'id')
  const name = both('name', 'modelName')
  const modelName = both('modelName', 'name')
  const known = {
    type: both('type') ?? 'checkpoint',
    id: version,
    modelId: both('modelId'),
    modelVersionId: version,
    name,
    modelName,
    version: both('version', 'modelVersionName'),
    modelVersionName: both('modelVersionName', 'version'),
    hash: String(both('hash') ?? '').toLowerCase(),
    file_name: both('file_name') ?? '',
    baseModel: both('baseModel')
  }
  const rest = Object.entries(entry).filter(([key]) => !Object.hasOwn(known, key) && !TRANSIENT_MEMBERS.includes(key))
  return Object.fromEntries([...Object.entries(known), ...rest].filter(([, value]) => value !== undefined))
}

import { InvalidInputError } from '../errors.ts'
import { isObject } from './read-value.ts'

/** Facts of the file and paths; they are never taken from a request. */
const PROTECTED = new Set(['file_path', 'file_name', 'folder', 'sha256', 'autov3', 'size', 'modified', 'exclude', 'hash_status', 'preview_url', 'sub_type', 'metadata_error'])
const MAX_KEY = 200
const MAX_DEPTH = 64

type Check = (value: unknown) => unknown

const text = (): Check => (value) => typeof value === 'string' ? value : refuse('must be text')
const flag = (): Check => (value) => typeof value === 'boolean' ? value : refuse('must be true or false')
const texts = (): Check => (value) => Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : refuse('must be a list of texts')

/** Fields that programs read by type. */
const checks: Readonly<Record<string, Check>> = {
  model_name: text(),
  base_model: text(),
  notes: text(),
  modelDescription: text(),
  metadata_source: (value) => value === null ? null : text()(value),
  favorite: flag(),
  from_civitai: flag(),
  civitai_deleted: flag(),
  db_checked: flag(),
  skip_metadata_refresh: flag(),
  preview_nsfw_level: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255 ? value : refuse('must be a level: 0, 1, 2, 4, 8, 16 or 32'),
  last_checked_at: (value) => typeof value === 'number' && Number.isFinite(value) ? value : refuse('must be a number'),
  usage_tips: (value) => isTips(value) ? value : refuse('must be a JSON object as text'),
  hf_url: (value) => value === '' || (typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value)) ? value : refuse('must be an address'),
  trainedWords: texts(),
  tags: (value) => Array.isArray(value) ? normalTags(value) : refuse('must be a list'),
  civitai: (value) => isObject(value) ? civitai(value) : refuse('must be an object')
}

/** Trimmed, lower-cased, each once, in their order; what is no text is dropped. */
export function normalTags (tags: readonly unknown[]): string[] {
  const found = new Set(tags.filter((tag) => typeof tag === 'string').map((tag) => tag.trim().toLowerCase()))
  found.delete('')
  return [...found]
}

/**
 * Checks what a client wants to change of a sidecar; answers the values in their normal form.
 * @throws InvalidInputError naming the field
 */
export function readEdits (updates: Record<string, unknown>): Map<string, unknown> {
  const edits = new Map<string, unknown>()
  for (const [key, value] of Object.entries(updates)) {
    if (PROTECTED.has(key)) throw new InvalidInputError(`"${key}" can't be changed here`, 'field-protected')
    if (key === '__proto__' || key.length > MAX_KEY) throw new InvalidInputError('A field has a name that can\'t be used', 'invalid-field')
    try {
      edits.set(key, Object.hasOwn(checks, key) ? checks[key]?.(value) : plain(value, MAX_DEPTH))
    } catch (error) {
      if (error instanceof Refused) throw new InvalidInputError(`"${key}" ${error.message}`, 'invalid-field')
      throw error
    }
  }
  return edits
}

/** Lays the edits over a document: an object over an object is merged one level deep, everything else replaces. */
export function applyEdits (document: Record<string, unknown>, edits: ReadonlyMap<string, unknown>): void {
  for (const [key, value] of edits) {
    const present = Object.hasOwn(document, key) ? document[key] : undefined
    setOwn(document, key, isObject(value) && isObject(present) ? merged(present, value) : value)
  }
}

class Refused extends Error {}

function refuse (reason: string): never {
  throw new Refused(reason)
}

function isTips (value: unknown): boolean {
  if (typeof value !== 'string') return false
  if (value.trim() === '') return true
  try {
    return isObject(JSON.parse(value))
  } catch {
    // not JSON at all
    return false
  }
}

function civitai (value: Record<string, unknown>): Record<string, unknown> {
  if (value.trainedWords !== undefined) texts()(value.trainedWords)
  if (value.name !== undefined) text()(value.name)
  return plain(value, MAX_DEPTH) as Record<string, unknown>
}

/** JSON as it came, save what could be mistaken for a prototype or can't be written again. */
function plain (value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) refuse('is nested too deeply')
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') refuse('has a field that can\'t be used')
    plain(inner, depth - 1)
  }
  return value
}

function merged (under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const result = { ...under }
  for (const [key, value] of Object.entries(over)) setOwn(result, key, value)
  return result
}

/** Also for names like `constructor`: always a member of its own, never something inherited. */
function setOwn (target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

import { InvalidInputError } from '../../services/errors.ts'
import { readModelHash } from '../../services/example-images/model-hash.ts'
import { modelTypes, type ModelTypeName } from '../../services/models/types.ts'

export interface DownloadBody {
  auto_mode?: unknown
  optimize?: unknown
  model_types?: unknown
  delay?: unknown
  force?: unknown
  overwrite?: unknown
  model_hashes?: unknown
  [key: string]: unknown
}

export interface DownloadOptions {
  auto: boolean
  optimize: boolean
  types: ModelTypeName[]
  delayMs: number
  force: boolean
  overwrite: boolean
  /** null: all. */
  hashes: string[] | null
}

const MOST_DELAY_S = 60
const USUAL_DELAY_S = 0.2
const USUAL_TYPES: readonly ModelTypeName[] = ['lora', 'checkpoint']
const names: readonly string[] = modelTypes.map(({ name }) => name)

/** What clients send for a download; unknown members (`output_dir`) never matter. @throws InvalidInputError */
export function readDownloadRequest (body: DownloadBody): DownloadOptions {
  const hashes = list(body.model_hashes, 'model_hashes').map((hash) => readModelHash(hash, '"model_hashes" holds an empty hash'))
  return {
    auto: flag(body.auto_mode, 'auto_mode', false),
    optimize: flag(body.optimize, 'optimize', true),
    types: readTypes(body.model_types, USUAL_TYPES),
    delayMs: delay(body.delay) * 1000,
    force: flag(body.force, 'force', false),
    overwrite: flag(body.overwrite, 'overwrite', false),
    hashes: hashes.length > 0 ? [...new Set(hashes)] : null
  }
}

/** Unknown ones are left out, so that clients may know more types than we do. @throws InvalidInputError */
export function readTypes (value: unknown, usual: readonly ModelTypeName[]): ModelTypeName[] {
  if (value === undefined || value === null) return [...usual]
  return list(value, 'model_types').filter((name): name is ModelTypeName => names.includes(String(name)))
}

function list (value: unknown, name: string): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new InvalidInputError(`"${name}" must be a list`)
  return value
}

function flag (value: unknown, name: string, usual: boolean): boolean {
  if (value === undefined || value === null) return usual
  if (typeof value !== 'boolean') throw new InvalidInputError(`"${name}" must be true or false`)
  return value
}

function delay (value: unknown): number {
  if (value === undefined || value === null) return USUAL_DELAY_S
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof seconds !== 'number' || Number.isNaN(seconds)) throw new InvalidInputError('"delay" must be a number of seconds')
  return Math.min(MOST_DELAY_S, Math.max(0, seconds))
}

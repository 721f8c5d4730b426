import { isObject } from '../models/read-value.ts'
import { genParamKeys, type GenParamKey, type GenParams } from './parsers/types.ts'

type Params = Readonly<Record<string, unknown>>

/** Other spellings of the keys; `scheduler` stands for a sampler only where none is named, see below. */
const aliases: Readonly<Record<string, GenParamKey>> = {
  cfg: 'cfg_scale',
  cfgScale: 'cfg_scale',
  'Cfg scale': 'cfg_scale',
  'CFG scale': 'cfg_scale',
  clipSkip: 'clip_skip',
  'Clip skip': 'clip_skip',
  negativePrompt: 'negative_prompt',
  'Negative prompt': 'negative_prompt',
  Sampler: 'sampler',
  sampler_name: 'sampler',
  Steps: 'steps',
  Seed: 'seed',
  Size: 'size',
  Prompt: 'prompt',
  'Denoising strength': 'denoising_strength'
}
const known: ReadonlySet<string> = new Set(genParamKeys)

function keyOf (name: string): GenParamKey | null {
  if (known.has(name)) return name as GenParamKey
  return Object.hasOwn(aliases, name) ? aliases[name] ?? null : null
}

/** Numbers and texts; what else a document may hold under a key counts as missing. */
function valueOf (value: unknown): string | number | undefined {
  return (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isFinite(value)) ? value : undefined
}

/** The known keys of one source, a key's own spelling before its aliases. */
function knownParams (source: Params): GenParams {
  const found: GenParams = {}
  for (const [name, given] of Object.entries(source)) {
    const key = keyOf(name)
    const value = valueOf(given)
    if (key !== null && value !== undefined && (name === key || found[key] === undefined)) found[key] = value
  }
  return found
}

/** A scheduler was what some programs of old named a sampler. */
function withSampler (params: GenParams): GenParams {
  return params.scheduler !== undefined && params.sampler === undefined ? { ...params, sampler: params.scheduler } : params
}

/** Parameters as they are answered: everything as stored, the known keys added where only an alias is there (recipes §1.5). */
export function withGenParamAliases (stored: Params): Record<string, unknown> {
  const answer: Record<string, unknown> = { ...stored }
  for (const [key, value] of Object.entries(withSampler(knownParams(stored)))) if (answer[key] === undefined || answer[key] === null || answer[key] === '') answer[key] = value
  return answer
}

/** What a recipe keeps of the parameters it is given: known keys with a value, in the usual order. Types stay. */
export function canonicalGenParams (given: unknown): GenParams {
  const kept: GenParams = {}
  if (!isObject(given)) return kept
  for (const key of genParamKeys) {
    const value = Object.hasOwn(given, key) ? valueOf(given[key]) : undefined
    if (value !== undefined) kept[key] = value
  }
  return kept
}

export interface GenParamSources {
  /** What the image carries, or what the recipe had; a whole recipe document gives its `gen_params`. */
  embedded?: Params | null | undefined
  /** What CivitAI says of the image. */
  civitai?: Params | null | undefined
  /** What whoever asks wants it to be. */
  request?: Params | null | undefined
}

/** Known keys of all sources, each from the last that has a value for it (recipes §11.1). */
export function mergeGenParams ({ embedded, civitai, request }: GenParamSources): GenParams {
  const first = isObject(embedded?.gen_params) ? embedded.gen_params : embedded
  const merged: GenParams = {}
  for (const source of [first, civitai, request]) Object.assign(merged, source ? knownParams(source) : {})
  return withSampler(merged)
}

const TITLE_WORDS = 10

/** A title out of a prompt: its first ten words; "" without one. */
export function titleFromPrompt (prompt: unknown): string {
  return typeof prompt === 'string' ? prompt.slice(0, 10_000).split(/\s+/).filter(Boolean).slice(0, TITLE_WORDS).join(' ') : ''
}

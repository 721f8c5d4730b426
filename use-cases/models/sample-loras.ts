import { InvalidInputError } from '../../services/errors.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { chooseLoras, graphName, type PoolConfig } from './choose-loras.ts'

export interface SampledLora { name: string, strength: number, clipStrength: number, active: boolean, expanded: boolean, locked: boolean }
export type LockedLora = Record<string, unknown> & { name?: string }

export interface SampleInput {
  count?: number
  count_min?: number
  count_max?: number
  model_strength_min?: number
  model_strength_max?: number
  use_same_clip_strength?: boolean
  clip_strength_min?: number
  clip_strength_max?: number
  locked_loras?: LockedLora[]
  pool_config?: PoolConfig | null
  use_recommended_strength?: boolean
  recommended_strength_scale_min?: number
  recommended_strength_scale_max?: number
}

interface Deps { library: ModelLibrary, random: () => number }

interface Range { low: number, high: number }

function rangeOf (low: number | undefined, high: number | undefined, fallback: Range): Range {
  return { low: low ?? fallback.low, high: high ?? fallback.high }
}

function checkStrengths (name: string, { low, high }: Range): void {
  if (low < -10 || high > 10) throw new InvalidInputError(`${name} strengths must be between -10 and 10`)
}

function countOf (input: SampleInput, random: () => number): number {
  const { count_min: low, count_max: high } = input
  if (low !== undefined && high !== undefined && low > high) throw new InvalidInputError('count_min must not be greater than count_max')
  const count = low !== undefined && high !== undefined ? low + Math.floor(random() * (high - low + 1)) : input.count ?? 5
  if (!Number.isInteger(count) || count < 1 || count > 100) throw new InvalidInputError('count must be between 1 and 100')
  return count
}

/** Partial Fisher–Yates: each of the chosen is equally likely. */
function draw<T> (pool: T[], count: number, random: () => number): T[] {
  const drawn = Math.min(count, pool.length)
  for (let at = 0; at < drawn; at++) {
    const other = at + Math.floor(random() * (pool.length - at))
    const [here, there] = [pool[at], pool[other]]
    if (here !== undefined && there !== undefined) [pool[at], pool[other]] = [there, here]
  }
  return pool.slice(0, drawn)
}

/** Recommended strengths as the user noted them; both spellings of the clip strength occur. */
function recommended (model: IndexedModel): { strength?: number, clip?: number } {
  try {
    const tips = JSON.parse(model.usage_tips || '{}') as Record<string, unknown> | null
    const number = (value: unknown): number | undefined => value === undefined || value === null || value === '' || !Number.isFinite(Number(value)) ? undefined : Number(value)
    const strength = number(tips?.strength)
    const clip = number(tips?.clip_strength) ?? number(tips?.clipStrength)
    return { ...strength === undefined ? {} : { strength }, ...clip === undefined ? {} : { clip } }
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

const twoDecimals = (value: number): number => Math.round(value * 100) / 100
const stemOf = (name: string): string => name.replaceAll('\\', '/').split('/').at(-1) ?? name

/** Strengths for one model: noted ones scaled at random where wanted, else at random within the range. */
function strengthsFor (input: SampleInput, random: () => number): (model: IndexedModel) => { strength: number, clipStrength: number } {
  const model = rangeOf(input.model_strength_min, input.model_strength_max, { low: 0, high: 1 })
  const clip = rangeOf(input.clip_strength_min, input.clip_strength_max, { low: 0, high: 1 })
  const scale = rangeOf(input.recommended_strength_scale_min, input.recommended_strength_scale_max, { low: 0.5, high: 1 })
  checkStrengths('model', model)
  checkStrengths('clip', clip)
  const within = ({ low, high }: Range): number => low + random() * (high - low)
  return (lora) => {
    const noted = input.use_recommended_strength ? recommended(lora) : {}
    const strength = twoDecimals(noted.strength === undefined ? within(model) : noted.strength * within(scale))
    if (input.use_same_clip_strength ?? true) return { strength, clipStrength: strength }
    return { strength, clipStrength: twoDecimals(noted.clip === undefined ? within(clip) : noted.clip * within(scale)) }
  }
}

/** A random handful of LoRAs with strengths; locked ones stay and come last. */
export const sampleLoras = ({ library, random }: Deps) => (input: SampleInput): (SampledLora | LockedLora)[] => {
  const count = countOf(input, random)
  const strengths = strengthsFor(input, random)
  const locked = (input.locked_loras ?? []).slice(0, count)
  const taken = new Set(locked.map(({ name }) => stemOf(name ?? '')))
  const pool = chooseLoras(library, input.pool_config).filter((model) => !taken.has(model.file_name))
  const drawn = draw(pool, count - locked.length, random).map((model) => {
    const { strength, clipStrength } = strengths(model)
    return { name: graphName(model), strength, clipStrength, active: true, expanded: Math.abs(strength - clipStrength) > 0.001, locked: false }
  })
  return [...drawn, ...locked]
}

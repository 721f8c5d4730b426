import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomUUID } from 'node:crypto'
import { Value } from '@sinclair/typebox/value'
import type { CivitaiClient } from '../civitai/types.ts'
import { BASE_MODEL_CATEGORIES, KNOWN_BASE_MODELS } from '../models/base-model-names.ts'
import { FetchedNamesFile, type FetchedNames } from './schema.ts'

export interface BaseModelList {
  /** Built-in and fetched names, sorted. */
  models: string[]
  /** `cache`: from an earlier fetch, `api`: fetched just now, `fallback`: built-in names only. */
  source: 'cache' | 'api' | 'fallback'
  /** ISO 8601 UTC of the last fetch, null without one. */
  last_updated: string | null
  hardcoded_count: number
  remote_count: number
  merged_count: number
}

export interface BaseModelCacheStatus {
  has_cache: boolean
  last_updated: string | null
  is_expired: boolean
  ttl_seconds: number
  age_seconds: number | null
}

export interface BaseModels {
  /** Fetches when asked to, or when the last fetch is older than a week; never throws: an older list outlives a failed fetch. */
  list (options?: { refresh?: boolean }): Promise<BaseModelList>
  categories (): Promise<Record<string, string[]>>
  cacheStatus (): Promise<BaseModelCacheStatus>
  /** Names known now, without asking anyone; for checks of settings. */
  known (): ReadonlySet<string>
}

export interface BaseModelsDeps {
  civitai: Pick<CivitaiClient, 'enums'>
  /** Where fetched names are kept, e.g. `<settings dir>/modelshelf/base-models.json`. */
  file: string
  /** False keeps us from asking by ourselves; a refresh that someone asks for is made all the same. */
  fetchWhenExpired: () => boolean
  now?: () => number
  /** Told of faults that only cost freshness. */
  warn: (message: string, error: unknown) => void
}

const TTL_SECONDS = 7 * 24 * 3600
/** After a failed fetch nobody waits for another one for so long. */
const RETRY_AFTER_MS = 10 * 60 * 1000
/** People wait for this answer, and the built-in names are a good one. */
const FETCH_TIMEOUT_MS = 10_000
const MAX_NAMES = 2000

/** Base-model names: built in, joined by those the provider lists, kept on disk between runs. */
export function createBaseModels (deps: BaseModelsDeps): BaseModels {
  const now = deps.now ?? Date.now
  let fetched: FetchedNames | undefined
  let loaded: Promise<void> | undefined
  let running: Promise<boolean> | undefined
  let lastFailure = -Infinity

  async function load (): Promise<void> {
    try {
      const kept: unknown = JSON.parse(await readFile(deps.file, 'utf8'))
      if (Value.Check(FetchedNamesFile, kept)) fetched = kept
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') deps.warn('The kept list of base models could not be read', error)
    }
  }

  async function keep (names: FetchedNames): Promise<void> {
    const temporary = `${deps.file}.${randomUUID()}.tmp`
    try {
      await mkdir(dirname(deps.file), { recursive: true })
      await writeFile(temporary, JSON.stringify(names), { flag: 'wx' })
      await rename(temporary, deps.file)
    } catch (error) {
      await rm(temporary, { force: true })
      deps.warn('The list of base models could not be kept', error)
    }
  }

  /** The active names, or all where none are marked as active. */
  async function namesNow (): Promise<string[]> {
    const outcome = await deps.civitai.enums({ urgent: true, signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
    if (outcome.kind !== 'found') throw new Error('message' in outcome ? outcome.message : `The provider answered: ${outcome.kind}`)
    const { activeBaseModels, baseModels } = outcome.value
    const names = (activeBaseModels.length > 0 ? activeBaseModels : baseModels).map((name) => name.trim()).filter((name) => name !== '')
    if (names.length === 0) throw new Error('The list of base models is empty')
    return [...new Set(names)].slice(0, MAX_NAMES)
  }

  async function fetchNames (): Promise<boolean> {
    try {
      fetched = { names: await namesNow(), fetched_at: new Date(now()).toISOString() }
      await keep(fetched)
      return true
    } catch (error) {
      lastFailure = now()
      deps.warn('The list of base models could not be fetched', error)
      return false
    }
  }

  const ageSeconds = (): number | null => fetched ? Math.max(0, Math.floor((now() - Date.parse(fetched.fetched_at)) / 1000)) : null
  const expired = (): boolean => (ageSeconds() ?? Infinity) >= TTL_SECONDS

  function merged (source: BaseModelList['source']): BaseModelList {
    const models = [...new Set([...KNOWN_BASE_MODELS, ...fetched?.names ?? []])].sort()
    return {
      models,
      source: fetched ? source : 'fallback',
      last_updated: fetched?.fetched_at ?? null,
      hardcoded_count: KNOWN_BASE_MODELS.length,
      remote_count: fetched?.names.length ?? 0,
      merged_count: models.length
    }
  }

  return {
    async list ({ refresh = false } = {}) {
      await (loaded ??= load())
      const due = deps.fetchWhenExpired() && expired() && now() - lastFailure > RETRY_AFTER_MS
      if (!refresh && !due) return merged('cache')
      running ??= fetchNames().finally(() => { running = undefined })
      return merged(await running ? 'api' : 'cache')
    },
    async categories () {
      await (loaded ??= load())
      const builtIn = new Set(KNOWN_BASE_MODELS)
      const further = (fetched?.names ?? []).filter((name) => !builtIn.has(name))
      const groups = Object.entries(BASE_MODEL_CATEGORIES).map(([group, names]): [string, string[]] => [group, [...names]])
      return Object.fromEntries(groups.map(([group, names]) => [group, group === 'Other Models' ? [...names, ...further] : names]))
    },
    async cacheStatus () {
      await (loaded ??= load())
      return { has_cache: fetched !== undefined, last_updated: fetched?.fetched_at ?? null, is_expired: expired(), ttl_seconds: TTL_SECONDS, age_seconds: ageSeconds() }
    },
    known: () => new Set([...KNOWN_BASE_MODELS, ...fetched?.names ?? []])
  }
}

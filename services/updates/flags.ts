import { existsSync, statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { isDownloadable } from '../civitai/access.ts'
import { createSlices } from '../jobs/slices.ts'
import type { ModelEntry } from '../models/entry.ts'
import type { IndexPreferences, UpdateFlags } from '../models/ports.ts'
import type { SettingsManager } from '../settings/types.ts'
import { endOf, hiddenOffers, isOnOffer, type Access } from './offers.ts'
import type { OwnedModels } from './types.ts'

export interface UpdateFlagsDeps {
  /** `<settings dir>/cache/model_update/<library>.sqlite` of the active library. */
  file: () => string
  open: (file: string) => Database
  /** What the library has now; the records may be older than it. */
  owned: OwnedModels
  settings: Pick<SettingsManager, 'get' | 'onChange'>
  /** Milliseconds since the epoch. */
  now?: () => number
  warn?: (message: string, error: unknown) => void
}

export interface UpdateFlagsFile extends UpdateFlags {
  /** Reads the records when the file changed; joined by everyone who asks meanwhile. */
  refresh (): Promise<void>
  /** Reads the records of these models anew: they were just written. */
  renew (modelIds: readonly number[]): void
}

/** A version that may be downloaded and that the user has not turned down. */
interface Candidate extends Access {
  id: number
  baseModel: string
}

const LOOK_EVERY_MS = 2000
/** Reading a large table is never more than this part of the time. */
const LOOK_SHARE = 1 / 20
const SETTINGS = ['hide_early_access_updates', 'hide_paid_updates']

interface Row {
  model_id: number
  version_id: number
  base_model: unknown
  is_in_library: unknown
  should_ignore: unknown
  early_access_ends_at?: unknown
  is_early_access?: unknown
  usage_control?: unknown
  is_paid?: unknown
}

/** Files of older programs lack columns, so all are asked for; models that are to be ignored never have updates. */
const ROWS = `SELECT v.* FROM model_update_versions v
  WHERE NOT EXISTS (SELECT 1 FROM model_update_status s WHERE s.model_id = v.model_id AND s.should_ignore_model)`

const foldBase = (name: unknown): string => typeof name === 'string' ? name.trim().toLowerCase() : ''

interface Reading { candidates: Map<number, Candidate[]>, oldestHere: Map<number, number> }

/** Many versions share few base models: each name is kept once. */
function createReader (): (reading: Reading, row: Row) => void {
  const names = new Map<string, string>()
  const shared = (name: string): string => names.get(name) ?? (names.set(name, name), name)
  return ({ candidates, oldestHere }, row) => {
    if (row.is_in_library) oldestHere.set(row.model_id, Math.min(row.version_id, oldestHere.get(row.model_id) ?? Infinity))
    if (row.should_ignore || !isDownloadable({ usageControl: row.usage_control })) return
    const candidate = { id: row.version_id, baseModel: shared(foldBase(row.base_model)), earlyAccess: Boolean(row.is_early_access), endsAt: endOf(row.early_access_ends_at), isPaid: Boolean(row.is_paid) }
    const known = candidates.get(row.model_id)
    if (known) known.push(candidate)
    else candidates.set(row.model_id, [candidate])
  }
}

/** Most versions are older than what is here and can be no update of it: they need not be kept. */
async function forgetOlder ({ candidates, oldestHere }: Reading, slice: () => Promise<void> | undefined): Promise<void> {
  for (const [modelId, oldest] of oldestHere) {
    const newer = candidates.get(modelId)?.filter(({ id }) => id > oldest) ?? []
    if (newer.length > 0) candidates.set(modelId, newer)
    else candidates.delete(modelId)
    await slice()
  }
}

/** Whether a newer version of a model is on offer, as the records of update checks say. No network, never throws. */
export function createUpdateFlags (deps: UpdateFlagsDeps): UpdateFlagsFile {
  const now = deps.now ?? Date.now
  const addRow = createReader()
  let models = new Map<number, Candidate[]>()
  let version = 0
  let seen = ''
  let lookedAt = -Infinity
  let tookMs = 0
  let running: Promise<void> | undefined
  /** Renewed while the whole file was being read: that reading may be older. */
  let renewed = new Set<number>()
  let hidden = hiddenOffers(deps.settings)

  deps.settings.onChange((change) => {
    if (change.libraryActivated) lookedAt = -Infinity
    if (!SETTINGS.some((key) => change.keys.has(key))) return
    hidden = hiddenOffers(deps.settings)
    version++
  })

  /** WAL keeps fresh rows beside the file, so both tell of a change. */
  function identityOf (file: string): string {
    return [file, `${file}-wal`].filter((path) => existsSync(path)).map((path) => {
      const { size, mtimeMs } = statSync(path)
      return `${path}:${size}:${mtimeMs}`
    }).join('|')
  }

  async function readAll (db: Database): Promise<Map<number, Candidate[]>> {
    const reading: Reading = { candidates: new Map(), oldestHere: new Map() }
    const slice = createSlices()
    for (const row of db.prepare<[], Row>(ROWS).iterate()) {
      addRow(reading, row)
      await slice()
    }
    await forgetOlder(reading, slice)
    return reading.candidates
  }

  async function look (): Promise<void> {
    let db: Database | undefined
    try {
      const file = deps.file()
      const identity = identityOf(file)
      if (identity === seen) return
      seen = identity
      renewed = new Set()
      db = identity === '' ? undefined : deps.open(file)
      models = db ? await readAll(db) : new Map()
      if (db) readSome(db, renewed)
      version++
    } catch (error) {
      deps.warn?.('The records of update checks could not be read', error)
    } finally {
      db?.close()
    }
  }

  function readSome (db: Database, modelIds: Iterable<number>): void {
    const ask = db.prepare<[number], Row>(`${ROWS} AND v.model_id = ?`)
    for (const id of modelIds) {
      models.delete(id)
      for (const row of ask.iterate(id)) addRow({ candidates: models, oldestHere: new Map() }, row)
    }
  }

  function renew (modelIds: readonly number[]): void {
    let db: Database | undefined
    try {
      db = deps.open(deps.file())
      readSome(db, modelIds)
      if (running) for (const id of modelIds) renewed.add(id)
      version++
    } catch (error) {
      deps.warn?.('The records of update checks could not be read', error)
    } finally {
      db?.close()
    }
  }

  function refresh (): Promise<void> {
    const begun = lookedAt = performance.now()
    running ??= look().finally(() => {
      running = undefined
      tookMs = performance.now() - begun
    })
    return running
  }

  function available (model: Pick<ModelEntry, 'base_model' | 'civitai'>, grouping: IndexPreferences['versionGrouping']): boolean {
    const { modelId, id: own = 0 } = model.civitai ?? {}
    const candidates = modelId === undefined ? undefined : models.get(modelId)
    if (modelId === undefined || !candidates) return false
    const base = foldBase(model.base_model)
    if (grouping === 'same_base' && base === '') return false
    const isNewer = (candidate: Candidate, than: number): boolean => candidate.id > than && (grouping === 'any' || candidate.baseModel === base) && isOnOffer(candidate, hidden, now())
    // The model's own version is one of those it is measured by: most questions end here.
    if (!candidates.some((candidate) => isNewer(candidate, own))) return false
    const owned = deps.owned(modelId)
    const ids = new Set(owned.map(({ civitai }) => civitai?.id ?? 0))
    const newest = Math.max(own, ...owned.filter((one) => grouping === 'any' || foldBase(one.base_model) === base).map(({ civitai }) => civitai?.id ?? 0))
    return candidates.some((candidate) => !ids.has(candidate.id) && isNewer(candidate, newest))
  }

  return {
    get version () {
      if (performance.now() - lookedAt >= Math.max(LOOK_EVERY_MS, tookMs / LOOK_SHARE)) refresh().catch((error: unknown) => { deps.warn?.('The records of update checks could not be read', error) })
      return version
    },
    available,
    refresh,
    renew
  }
}

import { existsSync, statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { ModelEntry } from './entry.ts'
import type { IndexPreferences, UpdateFlags } from './ports.ts'
import type { SettingsManager } from '../settings/types.ts'

export interface UpdateFlagsDeps {
  /** `<settings dir>/cache/model_update/<library>.sqlite` of the active library. */
  file: () => string
  open: (file: string) => Database
  settings: Pick<SettingsManager, 'get' | 'onChange'>
  /** Milliseconds since the epoch. */
  now?: () => number
  warn?: (message: string, error: unknown) => void
}

export interface UpdateFlagsFile extends UpdateFlags {
  /** Reads the records when the file changed; joined by everyone who asks meanwhile. */
  refresh (): Promise<void>
}

interface Version {
  id: number
  baseModel: string
  earlyAccess: boolean
  /** Milliseconds since the epoch; NaN when it cannot be read, null when there is no end. */
  earlyAccessEnds: number | null
  paid: boolean
}

interface Model {
  /** Versions on offer that the library lacks. */
  candidates: Version[]
  /** Highest version in the library, by base model; the empty key is over all. */
  owned: Map<string, number>
}

const LOOK_EVERY_MS = 2000
const SLICE_MS = 8
const SETTINGS = ['hide_early_access_updates', 'hide_paid_updates']

const foldBase = (name: unknown): string => typeof name === 'string' ? name.trim().toLowerCase() : ''

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

function versionOf (row: Row): Version {
  const ends = row.early_access_ends_at
  return {
    id: row.version_id,
    baseModel: foldBase(row.base_model),
    earlyAccess: Boolean(row.is_early_access),
    earlyAccessEnds: typeof ends === 'string' && ends !== '' ? Date.parse(ends) : null,
    paid: Boolean(row.is_paid)
  }
}

function addRow (models: Map<number, Model>, row: Row): void {
  const model = models.get(row.model_id) ?? { candidates: [], owned: new Map<string, number>() }
  models.set(row.model_id, model)
  if (row.is_in_library) {
    for (const key of ['', foldBase(row.base_model)]) model.owned.set(key, Math.max(model.owned.get(key) ?? 0, row.version_id))
  } else if (!row.should_ignore && (row.usage_control == null || row.usage_control === 'Download')) {
    model.candidates.push(versionOf(row))
  }
}

/** Files of older programs lack columns, so all are asked for; models that are to be ignored never have updates. */
const ROWS = `SELECT v.* FROM model_update_versions v
  WHERE NOT EXISTS (SELECT 1 FROM model_update_status s WHERE s.model_id = v.model_id AND s.should_ignore_model)`

async function readModels (db: Database): Promise<Map<number, Model>> {
  const models = new Map<number, Model>()
  let sliceEnds = performance.now() + SLICE_MS
  for (const row of db.prepare<[], Row>(ROWS).iterate()) {
    addRow(models, row)
    if (performance.now() > sliceEnds) {
      await nextTurn()
      sliceEnds = performance.now() + SLICE_MS
    }
  }
  for (const [id, model] of models) if (model.candidates.length === 0) models.delete(id)
  return models
}

/** Whether a newer version of a model is on offer, as the records of update checks say. No network, never throws. */
export function createUpdateFlags (deps: UpdateFlagsDeps): UpdateFlagsFile {
  const now = deps.now ?? Date.now
  let models = new Map<number, Model>()
  let version = 0
  let seen = ''
  let lookedAt = -Infinity
  let running: Promise<void> | undefined
  let hideEarlyAccess = false
  let hidePaid = false

  function readSettings (): void {
    hideEarlyAccess = deps.settings.get<boolean>('hide_early_access_updates') === true
    hidePaid = deps.settings.get<boolean>('hide_paid_updates') === true
  }

  readSettings()
  deps.settings.onChange((change) => {
    if (change.libraryActivated) lookedAt = -Infinity
    if (!SETTINGS.some((key) => change.keys.has(key))) return
    readSettings()
    version++
  })

  /** WAL keeps fresh rows beside the file, so both tell of a change. */
  function identityOf (file: string): string {
    return [file, `${file}-wal`].filter((path) => existsSync(path)).map((path) => {
      const { size, mtimeMs } = statSync(path)
      return `${path}:${size}:${mtimeMs}`
    }).join('|')
  }

  async function look (): Promise<void> {
    let db: Database | undefined
    try {
      const file = deps.file()
      const identity = identityOf(file)
      if (identity === seen) return
      seen = identity
      db = identity === '' ? undefined : deps.open(file)
      models = db ? await readModels(db) : new Map()
      version++
    } catch (error) {
      deps.warn?.('The records of update checks could not be read', error)
    } finally {
      db?.close()
    }
  }

  function refresh (): Promise<void> {
    lookedAt = performance.now()
    running ??= look().finally(() => { running = undefined })
    return running
  }

  function isOnOffer (candidate: Version): boolean {
    if (hidePaid && candidate.paid) return false
    if (!hideEarlyAccess) return true
    const { earlyAccessEnds } = candidate
    if (earlyAccessEnds !== null) return !(Number.isNaN(earlyAccessEnds) || earlyAccessEnds > now())
    return !candidate.earlyAccess || candidate.paid
  }

  function available (model: ModelEntry, grouping: IndexPreferences['versionGrouping']): boolean {
    const modelId = model.civitai?.modelId
    const record = modelId === undefined ? undefined : models.get(modelId)
    if (!record) return false
    if (grouping === 'any') {
      const highest = record.owned.get('') ?? 0
      return record.candidates.some((candidate) => candidate.id > highest && isOnOffer(candidate))
    }
    const base = foldBase(model.base_model)
    if (base === '') return false
    const highest = record.owned.get(base) ?? model.civitai?.id ?? 0
    return record.candidates.some((candidate) => candidate.baseModel === base && candidate.id > highest && isOnOffer(candidate))
  }

  return {
    get version () {
      if (performance.now() - lookedAt >= LOOK_EVERY_MS) refresh().catch((error: unknown) => { deps.warn?.('The records of update checks could not be read', error) })
      return version
    },
    available,
    refresh
  }
}

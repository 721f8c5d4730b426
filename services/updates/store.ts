import { existsSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { paidAccessOf } from '../civitai/access.ts'
import { createSlices } from '../jobs/slices.ts'
import { modelTypes, type ModelTypeName } from '../models/types.ts'
import type { KnownVersion, UpdateRecord } from './types.ts'

/** Records of the active library, in the table that other programs of the family share: one for each CivitAI model. */
export interface UpdateStore {
  /** `type` is what a record without a readable one gets. */
  find (modelId: number, type: ModelTypeName): UpdateRecord | undefined
  /** When CivitAI was asked for each model, and which ones are ignored; read in slices. */
  states (): Promise<Map<number, RecordState>>
  /** Replaces the record; columns that others added keep their values. */
  save (record: UpdateRecord): void
  close (): void
}

export type RecordState = Pick<UpdateRecord, 'lastCheckedAt' | 'shouldIgnore'>

export interface UpdateStoreDeps {
  /** Of the active library; another one after a switch. */
  file: () => string
  /** Opens it and makes its tables. */
  open: (file: string) => Database
}

interface StatusRow { model_type: unknown, last_checked_at: unknown, should_ignore_model: unknown }

interface VersionRow {
  version_id: number
  sort_index: unknown
  name: unknown
  base_model: unknown
  released_at: unknown
  size_bytes: unknown
  preview_url: unknown
  is_in_library: unknown
  should_ignore: unknown
  early_access_ends_at: unknown
  is_early_access: unknown
  usage_control: unknown
  paid_access: unknown
  is_paid: unknown
}

const typeNames: readonly string[] = modelTypes.map(({ name }) => name)
const columns = ['sort_index', 'name', 'base_model', 'released_at', 'size_bytes', 'preview_url', 'is_in_library', 'should_ignore', 'early_access_ends_at', 'is_early_access', 'usage_control', 'paid_access', 'is_paid']

const STATUS = `INSERT INTO model_update_status (model_id, model_type, last_checked_at, should_ignore_model) VALUES (?, ?, ?, ?)
  ON CONFLICT (model_id) DO UPDATE SET model_type = excluded.model_type, last_checked_at = excluded.last_checked_at, should_ignore_model = excluded.should_ignore_model`
const VERSION = `INSERT INTO model_update_versions (model_id, version_id, ${columns.join(', ')}) VALUES (@model_id, @version_id, ${columns.map((name) => `@${name}`).join(', ')})
  ON CONFLICT (model_id, version_id) DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`

/** Preparing a statement costs more than running it. */
function statementsOf (db: Database) {
  return {
    status: db.prepare<[number], StatusRow>('SELECT * FROM model_update_status WHERE model_id = ?'),
    states: db.prepare<[], StatusRow & { model_id: number }>('SELECT model_id, model_type, last_checked_at, should_ignore_model FROM model_update_status'),
    versions: db.prepare<[number], VersionRow>('SELECT * FROM model_update_versions WHERE model_id = ? ORDER BY sort_index, version_id DESC'),
    ids: db.prepare<[number], number>('SELECT version_id FROM model_update_versions WHERE model_id = ?').pluck(),
    putStatus: db.prepare(STATUS),
    putVersion: db.prepare(VERSION),
    drop: db.prepare('DELETE FROM model_update_versions WHERE model_id = ? AND version_id = ?')
  }
}

export function createUpdateStore ({ file, open }: UpdateStoreDeps): UpdateStore {
  let opened: { file: string, db: Database, statements: ReturnType<typeof statementsOf> } | null = null

  function close (): void {
    opened?.db.close()
    opened = null
  }

  /** A question alone makes no file. */
  function database (create: boolean): typeof opened {
    const wanted = file()
    if (opened?.file === wanted && existsSync(wanted)) return opened
    close()
    if (!create && !existsSync(wanted)) return null
    const db = open(wanted)
    opened = { file: wanted, db, statements: statementsOf(db) }
    return opened
  }

  return {
    find (modelId, type) {
      const statements = database(false)?.statements
      const status = statements?.status.get(modelId)
      const rows = statements?.versions.all(modelId) ?? []
      if (!status && rows.length === 0) return undefined
      return {
        modelId,
        modelType: typeNames.includes(String(status?.model_type)) ? status?.model_type as ModelTypeName : type,
        ...stateOf(status),
        versions: rows.map(versionOf)
      }
    },
    async states () {
      const found = new Map<number, RecordState>()
      const slice = createSlices()
      for (const row of database(false)?.statements.states.all() ?? []) {
        found.set(row.model_id, stateOf(row))
        await slice()
      }
      return found
    },
    save (record) {
      const target = database(true)
      if (!target) return
      const { db, statements } = target
      db.transaction(() => {
        statements.putStatus.run(record.modelId, record.modelType, record.lastCheckedAt, Number(record.shouldIgnore))
        const kept = new Set(record.versions.map(({ versionId }) => versionId))
        for (const id of statements.ids.all(record.modelId)) if (!kept.has(id)) statements.drop.run(record.modelId, id)
        for (const version of record.versions) statements.putVersion.run(rowOf(record.modelId, version))
      }).immediate()
    },
    close
  }
}

function stateOf (row: StatusRow | undefined): RecordState {
  return { lastCheckedAt: numberOf(row?.last_checked_at), shouldIgnore: Boolean(row?.should_ignore_model) }
}

const textOf = (value: unknown): string | null => typeof value === 'string' && value !== '' ? value : null
const numberOf = (value: unknown): number | null => typeof value === 'number' && Number.isFinite(value) ? value : null

function versionOf (row: VersionRow): KnownVersion {
  return {
    versionId: row.version_id,
    sortIndex: numberOf(row.sort_index) ?? 0,
    name: textOf(row.name),
    baseModel: textOf(row.base_model),
    releasedAt: textOf(row.released_at),
    sizeBytes: numberOf(row.size_bytes),
    previewUrl: textOf(row.preview_url),
    isInLibrary: Boolean(row.is_in_library),
    shouldIgnore: Boolean(row.should_ignore),
    earlyAccessEndsAt: textOf(row.early_access_ends_at),
    earlyAccess: Boolean(row.is_early_access),
    usageControl: textOf(row.usage_control),
    paidAccess: paidAccessOf({ paidAccess: row.paid_access }),
    isPaid: Boolean(row.is_paid)
  }
}

function rowOf (modelId: number, version: KnownVersion): VersionRow & { model_id: number } {
  return {
    model_id: modelId,
    version_id: version.versionId,
    sort_index: version.sortIndex,
    name: version.name,
    base_model: version.baseModel,
    released_at: version.releasedAt,
    size_bytes: version.sizeBytes,
    preview_url: version.previewUrl,
    is_in_library: Number(version.isInLibrary),
    should_ignore: Number(version.shouldIgnore),
    early_access_ends_at: version.earlyAccessEndsAt,
    is_early_access: Number(version.earlyAccess),
    usage_control: version.usageControl,
    paid_access: version.paidAccess && JSON.stringify(version.paidAccess),
    is_paid: Number(version.isPaid)
  }
}

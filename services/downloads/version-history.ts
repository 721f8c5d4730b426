import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { ModelTypeName } from '../models/types.ts'
import type { Clock } from '../progress/clock.ts'
import { ensureColumns } from '../database/shared.ts'

/** One version that is or was here. */
export interface DownloadedVersion {
  type: ModelTypeName
  versionId: number
  modelId?: number | null | undefined
  filePath?: string | null | undefined
  library?: string | null | undefined
}

export interface DownloadedFile { fileId: number, fileName: string | null }

/** Which versions were ever downloaded, over all libraries, in the table that other programs share. Times are Unix seconds. */
export interface VersionHistory {
  has (type: ModelTypeName, versionId: number): boolean
  /** Whether anything was ever noted of a version, be it that it does not count. */
  knows (type: ModelTypeName, versionId: number): boolean
  /** Ids of the versions of a model that count as downloaded, ascending. */
  versionsOf (type: ModelTypeName, modelId: number): number[]
  /** Under which type a version or a model is known. */
  typeOf (id: { versionId: number } | { modelId: number }): ModelTypeName | undefined
  /** Those of the ids that count as downloaded. */
  downloaded (type: ModelTypeName, versionIds: readonly number[]): Set<number>
  mark (version: DownloadedVersion, source: 'download' | 'manual' | 'scan', file?: DownloadedFile): void
  /** From now on it counts as not downloaded, until it is marked again. */
  markDeleted (type: ModelTypeName, versionId: number, modelId?: number | null): void
  /** Marks what a scan found, in slices between which requests get their turn; what is marked already costs a look-up. */
  markFound (versions: Iterable<DownloadedVersion>): Promise<number>
  /** Ids of the files of a version that were downloaded. */
  filesOf (type: ModelTypeName, versionId: number): number[]
  close (): void
}

/** Versions that a scan found, looked up and marked in one go: two milliseconds. */
const SLICE = 100

const kinds: Readonly<Record<string, ModelTypeName>> = { lora: 'lora', locon: 'lora', dora: 'lora', checkpoint: 'checkpoint', embedding: 'embedding', textualinversion: 'embedding' }

/** The type that a name of clients or of CivitAI means. */
export function typeNamed (name: string): ModelTypeName | undefined {
  const key = name.trim().toLowerCase()
  return Object.hasOwn(kinds, key) ? kinds[key] : undefined
}

export function prepareVersions (db: Database): void {
  db.transaction(() => {
    db.exec(`CREATE TABLE IF NOT EXISTS downloaded_model_versions (model_type TEXT NOT NULL, version_id INTEGER NOT NULL, model_id INTEGER,
      first_seen_at REAL NOT NULL, last_seen_at REAL NOT NULL, source TEXT NOT NULL, last_file_path TEXT, last_library_name TEXT,
      is_deleted_override INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (model_type, version_id))`)
    db.exec(`CREATE TABLE IF NOT EXISTS downloaded_version_files (model_type TEXT NOT NULL, version_id INTEGER NOT NULL, file_id INTEGER NOT NULL,
      file_name TEXT, downloaded_at REAL NOT NULL, PRIMARY KEY (model_type, version_id, file_id))`)
    ensureColumns(db, 'downloaded_model_versions', { model_id: 'INTEGER', last_file_path: 'TEXT', last_library_name: 'TEXT', is_deleted_override: 'INTEGER NOT NULL DEFAULT 0' })
    ensureColumns(db, 'downloaded_version_files', { file_name: 'TEXT', downloaded_at: 'REAL NOT NULL DEFAULT 0' })
    db.exec('CREATE INDEX IF NOT EXISTS idx_downloaded_model_versions_model ON downloaded_model_versions (model_type, model_id)')
  }).immediate()
}

const COUNTS = 'model_type = ? AND is_deleted_override = 0'

/** Prepared once: a scan asks for every model of the library. */
function statementsOf (db: Database) {
  // All types named: both indexes begin with the type.
  const types = [...new Set(Object.values(kinds))].map((type) => `'${type}'`).join(', ')
  const typeBy = (column: string) =>
    db.prepare(`SELECT model_type FROM downloaded_model_versions WHERE model_type IN (${types}) AND ${column} = ? AND is_deleted_override = 0 ORDER BY last_seen_at DESC`).pluck()
  return {
    has: db.prepare(`SELECT 1 FROM downloaded_model_versions WHERE ${COUNTS} AND version_id = ?`).pluck(),
    knows: db.prepare('SELECT 1 FROM downloaded_model_versions WHERE model_type = ? AND version_id = ?').pluck(),
    versionsOf: db.prepare(`SELECT version_id FROM downloaded_model_versions WHERE ${COUNTS} AND model_id = ? ORDER BY version_id`).pluck(),
    typeOfVersion: typeBy('version_id'),
    typeOfModel: typeBy('model_id'),
    filesOf: db.prepare('SELECT file_id FROM downloaded_version_files WHERE model_type = ? AND version_id = ? ORDER BY file_id').pluck(),
    mark: db.prepare(`INSERT INTO downloaded_model_versions (model_type, version_id, model_id, first_seen_at, last_seen_at, source, last_file_path, last_library_name, is_deleted_override)
      VALUES (@type, @versionId, @modelId, @now, @now, @source, @filePath, @library, 0)
      ON CONFLICT (model_type, version_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, source = excluded.source, is_deleted_override = 0,
        model_id = coalesce(excluded.model_id, model_id), last_file_path = coalesce(excluded.last_file_path, last_file_path),
        last_library_name = coalesce(excluded.last_library_name, last_library_name)`),
    markFile: db.prepare(`INSERT INTO downloaded_version_files (model_type, version_id, file_id, file_name, downloaded_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET file_name = coalesce(excluded.file_name, file_name), downloaded_at = excluded.downloaded_at`),
    markDeleted: db.prepare(`INSERT INTO downloaded_model_versions (model_type, version_id, model_id, first_seen_at, last_seen_at, source, is_deleted_override)
      VALUES (@type, @versionId, @modelId, @now, @now, 'manual', 1)
      ON CONFLICT (model_type, version_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, source = excluded.source, is_deleted_override = 1,
        model_id = coalesce(excluded.model_id, model_id)`),
    forgetFiles: db.prepare('DELETE FROM downloaded_version_files WHERE model_type = ? AND version_id = ?'),
    together: (work: () => void): void => { db.transaction(work).immediate() },
    close: (): void => { db.close() }
  }
}

/** `open` is asked at the first use: a start needs none of it. */
export function createVersionHistory ({ open, clock }: { open: () => Database, clock: Clock }): VersionHistory {
  let opened: ReturnType<typeof statementsOf> | undefined
  const ask = (): ReturnType<typeof statementsOf> => (opened ??= statementsOf(open()))
  const seconds = (): number => clock.now() / 1000
  const has = (type: ModelTypeName, versionId: number): boolean => ask().has.get(type, versionId) !== undefined

  function mark ({ type, versionId, modelId, filePath, library }: DownloadedVersion, source: string): void {
    ask().mark.run({ type, versionId, modelId: modelId ?? null, filePath: filePath ?? null, library: library ?? null, now: seconds(), source })
  }

  return {
    has,
    knows: (type, versionId) => ask().knows.get(type, versionId) !== undefined,
    versionsOf: (type, modelId) => ask().versionsOf.all(type, modelId) as number[],
    typeOf: (id) => ('versionId' in id ? ask().typeOfVersion.get(id.versionId) : ask().typeOfModel.get(id.modelId)) as ModelTypeName | undefined,
    downloaded: (type, versionIds) => new Set(versionIds.filter((id) => has(type, id))),
    mark (version, source, file) {
      const { type, versionId } = version
      ask().together(() => {
        mark(version, source)
        if (file) ask().markFile.run(type, versionId, file.fileId, file.fileName, seconds())
      })
    },
    markDeleted (type, versionId, modelId = null) {
      ask().together(() => {
        ask().markDeleted.run({ type, versionId, modelId, now: seconds() })
        ask().forgetFiles.run(type, versionId)
      })
    },
    async markFound (versions) {
      let marked = 0
      let slice: DownloadedVersion[] = []
      const flush = (): void => {
        const fresh = slice.filter(({ type, versionId }) => !has(type, versionId))
        slice = []
        if (fresh.length === 0) return
        ask().together(() => { for (const version of fresh) mark(version, 'scan') })
        marked += fresh.length
      }
      for (const version of versions) {
        slice.push(version)
        if (slice.length < SLICE) continue
        flush()
        await nextTurn()
      }
      flush()
      return marked
    },
    filesOf: (type, versionId) => ask().filesOf.all(type, versionId) as number[],
    close () {
      opened?.close()
      opened = undefined
    }
  }
}

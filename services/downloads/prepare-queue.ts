import type { Database } from 'better-sqlite3'
import { isObject } from '../models/read-value.ts'
import { HISTORY_COLUMNS, QUEUE_COLUMNS, type HistoryRow, type QueueRow } from './queue-rows.ts'
import { ensureColumns, type Columns } from '../database/shared.ts'

const RANK: Readonly<Record<string, number>> = { completed: 0, failed: 1, canceled: 2, skipped: 3 }
const ACTIVE = new Set(['queued', 'downloading', 'paused', 'waiting'])

/** Makes the tables, brings older ones up to date, and drops what stands there twice. `hasPart`: a file of this download was begun. */
export function prepareQueue (db: Database, hasPart: (downloadId: string) => boolean): void {
  db.transaction(() => {
    for (const [table, columns] of [['download_queue', QUEUE_COLUMNS], ['download_history', HISTORY_COLUMNS]] as const) {
      db.exec(`CREATE TABLE IF NOT EXISTS ${table} (${declarations(columns)})`)
      ensureColumns(db, table, columns)
    }
    // The same download noted twice would keep the index from being made; the newest stays.
    db.exec(`DELETE FROM download_history WHERE download_id IS NOT NULL AND id NOT IN
      (SELECT max(id) FROM download_history WHERE download_id IS NOT NULL GROUP BY download_id)`)
    db.exec('CREATE UNIQUE INDEX IF NOT EXISTS idx_download_history_download_id ON download_history (download_id) WHERE download_id IS NOT NULL')
    dropDuplicates(db)
    freeStuck(db, hasPart)
  }).immediate()
}

function declarations (columns: Columns): string {
  return Object.entries(columns).map(([name, declaration]) => `${name} ${declaration}`).join(', ')
}

type Identified = Pick<QueueRow, 'model_id' | 'model_version_id' | 'file_params'>

/** What is one and the same file of CivitAI; undefined for rows that name none, which are never alike. */
function identityOf ({ model_id: model, model_version_id: version, file_params: params }: Identified): string | undefined {
  if (model === null || version === null) return undefined
  return `${model}/${version}/${fileIdOf(params)}`
}

function fileIdOf (params: string | null): string {
  if (params === null) return ''
  try {
    const parsed: unknown = JSON.parse(params)
    return isObject(parsed) && parsed.id != null ? String(parsed.id) : ''
  } catch {
    // What is no JSON names no file.
    return ''
  }
}

function dropDuplicates (db: Database): void {
  const history = db.prepare('SELECT * FROM download_history ORDER BY completed_at DESC, id DESC').all() as HistoryRow[]
  const best = new Map<string, HistoryRow>()
  const rankOf = ({ status }: HistoryRow): number => RANK[status] ?? RANK.skipped ?? 3
  for (const row of history) {
    const key = identityOf(row)
    const known = key === undefined ? undefined : best.get(key)
    if (key !== undefined && (!known || rankOf(row) < rankOf(known))) best.set(key, row)
  }
  const forget = db.prepare('DELETE FROM download_history WHERE id = ?')
  for (const row of history) {
    const key = identityOf(row)
    if (key !== undefined && best.get(key) !== row) forget.run(row.id)
  }
  dropQueued(db, new Set([...best.values()].filter(({ status }) => status === 'failed' || status === 'canceled').map(({ model_version_id: version }) => version)))
}

function dropQueued (db: Database, unfinished: ReadonlySet<number | null>): void {
  const rows = db.prepare('SELECT * FROM download_queue ORDER BY added_at DESC, rowid DESC').all() as QueueRow[]
  const seen = new Set<string>()
  const forget = db.prepare('DELETE FROM download_queue WHERE download_id = ?')
  for (const row of rows) {
    const key = ACTIVE.has(row.status) ? identityOf(row) : undefined
    const retried = row.source === 'retry' && row.model_version_id !== null && unfinished.has(row.model_version_id)
    if (retried || (key !== undefined && seen.has(key))) forget.run(row.download_id)
    else if (key !== undefined) seen.add(key)
  }
}

/** A program that was killed left rows behind that say they are being loaded. */
function freeStuck (db: Database, hasPart: (downloadId: string) => boolean): void {
  const stuck = db.prepare("SELECT download_id FROM download_queue WHERE status IN ('downloading', 'waiting')").pluck().all() as string[]
  const set = db.prepare('UPDATE download_queue SET status = ?, bytes_per_second = 0 WHERE download_id = ?')
  for (const id of stuck) set.run(hasPart(id) ? 'paused' : 'queued', id)
}

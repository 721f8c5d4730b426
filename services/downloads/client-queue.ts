import { randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import type { Clock } from '../progress/clock.ts'
import type { HistoryRow, HistoryStatus, QueueRow } from './queue-rows.ts'

export type QueueInput = Partial<Pick<QueueRow, 'download_id' | 'model_id' | 'model_version_id' | 'model_name' | 'version_name' | 'thumbnail_url' | 'source' | 'file_params'>>

export interface Completion {
  status: HistoryStatus
  error?: string | null
  file_path?: string | null
  bytes_downloaded?: number
  total_bytes?: number | null
  completed_at?: number
}

export interface QueueStats { queued: number, downloading: number, paused: number, completed: number, failed: number, canceled: number }

/**
 * The list of downloads that clients keep with us: they add, order and start what is in it, nothing here runs by itself.
 * What a client starts under the id of a row is noted in it and goes to the history at the end.
 */
export interface ClientQueue {
  rows (): QueueRow[]
  stats (): QueueStats
  /** The row; the one that is there when the id is queued already; undefined when the id is in the history. */
  add (input: QueueInput): QueueRow | undefined
  remove (downloadId: string): boolean
  move (downloadId: string, to: 'top' | 'end'): boolean
  clear (status?: string): number
  setStatus (downloadId: string, status: string): boolean
  /** Notes how far a row is. */
  note (downloadId: string, progress: Pick<QueueRow, 'progress' | 'bytes_downloaded' | 'total_bytes' | 'bytes_per_second'>): void
  /** Moves a row to the history; the row as it was, undefined when it is not queued. */
  complete (downloadId: string, completion: Completion): QueueRow | undefined
  history (page: { limit: number, offset: number, status?: string | undefined }): { items: HistoryRow[], total: number }
  clearHistory (status?: string): number
  deleteHistory (key: HistoryKey): boolean
  /** Queues a failed or cancelled item again under a new id; undefined when there is none or it may not be repeated. */
  retry (key: HistoryKey): QueueRow | undefined
  retryAll (): number
  close (): void
}

export type HistoryKey = { downloadId: string } | { id: number }

const RETRYABLE = "status IN ('failed', 'canceled')"

/** `open` is asked at the first use: a start needs none of it. */
export function createClientQueue ({ open, clock }: { open: () => Database, clock: Clock }): ClientQueue {
  let opened: Database | undefined
  const db = (): Database => (opened ??= open())
  const seconds = (): number => clock.now() / 1000
  const find = (id: string): QueueRow | undefined => db().prepare('SELECT * FROM download_queue WHERE download_id = ?').get(id) as QueueRow | undefined
  const changed = (sql: string, ...values: unknown[]): boolean => db().prepare(sql).run(...values).changes > 0

  function findHistory (key: HistoryKey, more = 'TRUE'): HistoryRow | undefined {
    const [column, value] = 'id' in key ? ['id', key.id] : ['download_id', key.downloadId]
    return db().prepare(`SELECT * FROM download_history WHERE ${column} = ? AND ${more}`).get(value) as HistoryRow | undefined
  }

  function insert (input: QueueInput): QueueRow | undefined {
    const id = input.download_id ?? randomUUID()
    db().prepare(`INSERT INTO download_queue (download_id, model_id, model_version_id, model_name, version_name, thumbnail_url, source, file_params,
      status, priority, progress, bytes_downloaded, bytes_per_second, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, 0, 0, 0, ?)`)
      .run(id, input.model_id ?? null, input.model_version_id ?? null, input.model_name ?? '', input.version_name ?? '', input.thumbnail_url ?? '',
        input.source ?? null, input.file_params ?? null, seconds())
    return find(id)
  }

  function requeue (row: HistoryRow): QueueRow | undefined {
    return db().transaction(() => {
      db().prepare('DELETE FROM download_history WHERE id = ?').run(row.id)
      return insert({
        model_id: row.model_id,
        model_version_id: row.model_version_id,
        model_name: row.model_name,
        version_name: row.version_name,
        thumbnail_url: row.thumbnail_url,
        source: 'retry',
        file_params: row.file_params
      })
    }).immediate()
  }

  return {
    rows: () => db().prepare('SELECT * FROM download_queue ORDER BY priority DESC, added_at ASC, rowid ASC').all() as QueueRow[],
    stats () {
      const stats: QueueStats = { queued: 0, downloading: 0, paused: 0, completed: 0, failed: 0, canceled: 0 }
      for (const [table, words] of [['download_queue', ['queued', 'downloading', 'paused']], ['download_history', ['completed', 'failed', 'canceled']]] as const) {
        const counts = db().prepare(`SELECT status, count(*) AS n FROM ${table} GROUP BY status`).all() as { status: string, n: number }[]
        for (const word of words) stats[word] = counts.find(({ status }) => status === word)?.n ?? 0
      }
      return stats
    },
    add (input) {
      if (input.download_id !== undefined) {
        const queued = find(input.download_id)
        if (queued || findHistory({ downloadId: input.download_id })) return queued
      }
      return insert(input)
    },
    remove: (id) => changed('DELETE FROM download_queue WHERE download_id = ?', id),
    move (id, to) {
      const next = to === 'top' ? 'max(priority) + 1' : 'min(priority) - 1'
      return changed(`UPDATE download_queue SET priority = (SELECT ${next} FROM download_queue) WHERE download_id = ?`, id)
    },
    clear: (status) => status === undefined
      ? db().prepare('DELETE FROM download_queue').run().changes
      : db().prepare('DELETE FROM download_queue WHERE status = ?').run(status).changes,
    setStatus: (id, status) => status === 'downloading'
      ? changed('UPDATE download_queue SET status = ?, started_at = coalesce(started_at, ?) WHERE download_id = ?', status, seconds(), id)
      : changed('UPDATE download_queue SET status = ? WHERE download_id = ?', status, id),
    note (id, { progress, bytes_downloaded: bytes, total_bytes: total, bytes_per_second: speed }) {
      db().prepare('UPDATE download_queue SET progress = ?, bytes_downloaded = ?, total_bytes = ?, bytes_per_second = ? WHERE download_id = ?').run(progress, bytes, total, speed, id)
    },
    complete (id, completion) {
      return db().transaction(() => {
        const row = find(id)
        if (!row) return undefined
        db().prepare('DELETE FROM download_queue WHERE download_id = ?').run(id)
        db().prepare(`INSERT OR IGNORE INTO download_history (download_id, model_id, model_version_id, model_name, version_name, thumbnail_url, file_params,
          status, error, file_path, bytes_downloaded, total_bytes, completed_at, is_already_exists) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`)
          .run(id, row.model_id, row.model_version_id, row.model_name, row.version_name, row.thumbnail_url, row.file_params, completion.status,
            completion.error ?? null, completion.file_path ?? null, completion.bytes_downloaded ?? row.bytes_downloaded,
            completion.total_bytes ?? row.total_bytes, completion.completed_at ?? seconds())
        return row
      }).immediate()
    },
    history ({ limit, offset, status }) {
      const where = status === undefined ? 'TRUE' : 'status = ?'
      const values = status === undefined ? [] : [status]
      return {
        items: db().prepare(`SELECT * FROM download_history WHERE ${where} ORDER BY completed_at DESC, id DESC LIMIT ? OFFSET ?`).all(...values, limit, offset) as HistoryRow[],
        total: Number(db().prepare(`SELECT count(*) FROM download_history WHERE ${where}`).pluck().get(...values))
      }
    },
    clearHistory: (status) => status === undefined
      ? db().prepare('DELETE FROM download_history').run().changes
      : db().prepare('DELETE FROM download_history WHERE status = ?').run(status).changes,
    deleteHistory (key) {
      const row = findHistory(key)
      return row !== undefined && changed('DELETE FROM download_history WHERE id = ?', row.id)
    },
    retry (key) {
      const row = findHistory(key, RETRYABLE)
      return row && requeue(row)
    },
    retryAll () {
      const rows = db().prepare(`SELECT * FROM download_history WHERE ${RETRYABLE} ORDER BY completed_at ASC, id ASC`).all() as HistoryRow[]
      return db().transaction(() => rows.filter((row) => requeue(row) !== undefined).length).immediate()
    },
    close () {
      opened?.close()
      opened = undefined
    }
  }
}

import type { StateDatabase } from '../database/types.ts'
import type { DownloadError, DownloadRecord, DownloadRequest, DownloadResult, DownloadState } from './types.ts'

interface Row {
  seq: number
  id: string
  origin: DownloadRecord['origin']
  request: string
  state: DownloadState
  job: string | null
  title: string
  result: string | null
  error: string | null
  created_at: string
  started_at: string | null
  finished_at: string | null
}

/** Downloads as they are kept, newest last; those of the queue wait in this order. */
export interface DownloadStore {
  /** A fresh record; a finished one with the same id gives way. */
  insert (request: DownloadRequest, origin: DownloadRecord['origin'], title: string): DownloadRecord
  find (id: string): DownloadRecord | undefined
  /** Newest first. */
  page (options: { limit: number, before?: number | undefined, state?: DownloadState | undefined }): { seq: number, record: DownloadRecord }[]
  /** Waits for the worker, oldest first. */
  waiting (limit: number): DownloadRecord[]
  unfinished (): DownloadRecord[]
  countWaiting (): number
  assign (id: string, job: string): void
  start (id: string): void
  name (id: string, title: string): void
  /** Why it waits, null when it does not any more. */
  hold (id: string, reason: DownloadError | null): void
  /** Back to the end of those who wait. */
  requeue (id: string): void
  finish (id: string, state: DownloadState, outcome: { result?: DownloadResult | null, error?: DownloadError | null }): void
  remove (id: string): boolean
}

const steps = [
  `CREATE TABLE downloads (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL,
    job TEXT, title TEXT NOT NULL, result TEXT, error TEXT, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT);
  CREATE INDEX downloads_state ON downloads (state, seq)`
]
const KEPT = 2000

export function createDownloadStore (state: StateDatabase): DownloadStore {
  state.migrate('downloads', steps)
  const { db } = state
  const now = (): string => new Date().toISOString()
  const run = (sql: string, ...values: unknown[]): number => db.prepare(sql).run(...values).changes
  const find = (id: string): DownloadRecord | undefined => {
    const row = db.prepare('SELECT * FROM downloads WHERE id = ?').get(id) as Row | undefined
    return row && recordOf(row)
  }

  function forgetOld (): void {
    run(`DELETE FROM downloads WHERE finished_at IS NOT NULL AND seq <=
      (SELECT seq FROM downloads WHERE finished_at IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ${KEPT})`)
  }

  return {
    insert (request, origin, title) {
      return db.transaction(() => {
        run('DELETE FROM downloads WHERE id = ?', request.download_id)
        run("INSERT INTO downloads (id, origin, request, state, title, created_at) VALUES (?, ?, ?, 'queued', ?, ?)", request.download_id, origin, JSON.stringify(request), title, now())
        forgetOld()
        const record = find(request.download_id)
        if (!record) throw new Error('A download that was just written is not there')
        return record
      }).immediate()
    },
    find,
    page ({ limit, before, state: wanted }) {
      const rows = db.prepare('SELECT * FROM downloads WHERE (@before IS NULL OR seq < @before) AND (@wanted IS NULL OR state = @wanted) ORDER BY seq DESC LIMIT @limit')
        .all({ limit, before: before ?? null, wanted: wanted ?? null }) as Row[]
      return rows.map((row) => ({ seq: row.seq, record: recordOf(row) }))
    },
    waiting: (limit) => (db.prepare("SELECT * FROM downloads WHERE state = 'queued' AND origin = 'queue' AND job IS NULL ORDER BY seq LIMIT ?").all(limit) as Row[]).map(recordOf),
    unfinished: () => (db.prepare("SELECT * FROM downloads WHERE state IN ('queued', 'running')").all() as Row[]).map(recordOf),
    countWaiting: () => Number(db.prepare("SELECT count(*) FROM downloads WHERE state IN ('queued', 'running')").pluck().get()),
    assign (id, job) { run('UPDATE downloads SET job = ? WHERE id = ?', job, id) },
    start (id) { run("UPDATE downloads SET state = 'running', started_at = coalesce(started_at, ?), finished_at = NULL, result = NULL, error = NULL WHERE id = ?", now(), id) },
    name (id, title) { run('UPDATE downloads SET title = ? WHERE id = ?', title, id) },
    hold (id, reason) { run('UPDATE downloads SET error = ? WHERE id = ?', reason && JSON.stringify(reason), id) },
    requeue (id) {
      run(`UPDATE downloads SET state = 'queued', origin = 'queue', job = NULL, started_at = NULL, finished_at = NULL, result = NULL, error = NULL,
        seq = (SELECT max(seq) + 1 FROM downloads) WHERE id = ?`, id)
    },
    finish (id, final, { result = null, error = null }) {
      run('UPDATE downloads SET state = ?, result = ?, error = ?, finished_at = ? WHERE id = ?', final, result && JSON.stringify(result), error && JSON.stringify(error), now(), id)
    },
    remove: (id) => run('DELETE FROM downloads WHERE id = ?', id) > 0
  }
}

function recordOf ({ seq, ...row }: Row): DownloadRecord {
  return {
    ...row,
    request: JSON.parse(row.request) as DownloadRequest,
    result: row.result === null ? null : JSON.parse(row.result) as DownloadResult,
    error: row.error === null ? null : JSON.parse(row.error) as DownloadError
  }
}

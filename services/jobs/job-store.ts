import type { StateDatabase } from '../database/types.ts'
import type { Job, JobFailure, JobState } from './types.ts'

/** A job with what only the system needs: its input, and its place in the order of starting. */
export interface StoredJob {
  seq: number
  input: unknown
  job: Job
}

export interface JobStore {
  /** Adds the job and answers its place in the order. */
  insert (job: Job, input: unknown): number
  save (job: Job): void
  /** The same without waiting for the disk: of how far a job was, a power cut may take back the last seconds. */
  saveProgress (job: Job): void
  read (id: string): StoredJob | undefined
  /** Newest first, below `before` when it is given. */
  page (options: { limit: number, before?: number | undefined, state?: JobState | undefined }): StoredJob[]
  unfinished (): StoredJob[]
  prune (): number
  counts (): Record<JobState, number>
}

const MIGRATIONS = [`
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    input TEXT NOT NULL,
    progress TEXT NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    result TEXT,
    error TEXT,
    failures TEXT NOT NULL
  );
  CREATE INDEX jobs_by_state ON jobs (state, seq);
`]

interface Row {
  seq: number
  id: string
  kind: string
  title: string
  state: JobState
  input: string
  progress: string
  created_at: string
  started_at: string | null
  finished_at: string | null
  result: string | null
  error: string | null
  failures: string
}

function fromRow (row: Row): StoredJob {
  return {
    seq: row.seq,
    input: JSON.parse(row.input),
    job: {
      id: row.id,
      kind: row.kind,
      title: row.title,
      state: row.state,
      progress: JSON.parse(row.progress) as Job['progress'],
      created_at: row.created_at,
      started_at: row.started_at,
      finished_at: row.finished_at,
      result: row.result === null ? null : JSON.parse(row.result),
      error: row.error === null ? null : JSON.parse(row.error) as Job['error'],
      failures: JSON.parse(row.failures) as JobFailure[]
    }
  }
}

const json = (value: unknown): string => JSON.stringify(value ?? null)

function parameters (job: Job): Record<string, string | null> {
  return {
    id: job.id,
    state: job.state,
    progress: json(job.progress),
    started_at: job.started_at,
    finished_at: job.finished_at,
    result: job.result === null || job.result === undefined ? null : json(job.result),
    error: job.error === null ? null : json(job.error),
    failures: json(job.failures)
  }
}

export function createJobStore (state: StateDatabase): JobStore {
  state.migrate('jobs', MIGRATIONS)
  const { db } = state
  const insert = db.prepare(`INSERT INTO jobs (id, kind, title, state, input, progress, created_at, started_at, finished_at, result, error, failures)
    VALUES (@id, @kind, @title, @state, @input, @progress, @created_at, @started_at, @finished_at, @result, @error, @failures)`)
  const update = db.prepare(`UPDATE jobs SET state = @state, progress = @progress, started_at = @started_at, finished_at = @finished_at,
    result = @result, error = @error, failures = @failures WHERE id = @id`)
  const one = db.prepare<[string], Row>('SELECT * FROM jobs WHERE id = ?')
  const page = db.prepare<[{ before: number, state: string | null, limit: number }], Row>(
    'SELECT * FROM jobs WHERE seq < @before AND (@state IS NULL OR state = @state) ORDER BY seq DESC LIMIT @limit')
  const unfinished = db.prepare<[], Row>("SELECT * FROM jobs WHERE state IN ('queued', 'running', 'paused') ORDER BY seq")
  const prune = db.prepare("DELETE FROM jobs WHERE state IN ('succeeded', 'failed', 'cancelled')")
  const counts = db.prepare<[], { state: JobState, n: number }>('SELECT state, count(*) AS n FROM jobs GROUP BY state')

  return {
    insert (job, input) {
      const { lastInsertRowid } = insert.run({ ...parameters(job), kind: job.kind, title: job.title, input: json(input), created_at: job.created_at })
      return Number(lastInsertRowid)
    },
    save (job) { update.run(parameters(job)) },
    saveProgress (job) { state.withoutWaiting(() => update.run(parameters(job))) },
    read (id) {
      const row = one.get(id)
      return row && fromRow(row)
    },
    page: ({ limit, before, state: wanted }) =>
      page.all({ limit, before: before ?? Number.MAX_SAFE_INTEGER, state: wanted ?? null }).map(fromRow),
    unfinished: () => unfinished.all().map(fromRow),
    prune: () => prune.run().changes,
    counts () {
      const all: Record<JobState, number> = { queued: 0, running: 0, paused: 0, succeeded: 0, failed: 0, cancelled: 0 }
      for (const { state: name, n } of counts.all()) all[name] = n
      return all
    }
  }
}

import type { StateDatabase } from '../database/types.ts'

/** What is remembered of asking for a file by its SHA-256. */
export interface Lookups {
  /** Whether the answer "there is none" is young enough not to ask again in the background. */
  isKnownMissing (sha256: string): boolean
  /**
   * Notes that CivitAI itself said 404; true when it said so before, at least 24 hours ago, and nothing else in between:
   * only then may a model be marked.
   */
  confirmMissing (sha256: string): boolean
  /** It is there: former answers count no longer. `complete` false asks to be completed later. */
  found (sha256: string, complete: boolean): void
  /** SHA-256 of models whose description, tags and licence could not be had. */
  incomplete (): ReadonlySet<string>
}

const DAY_MS = 24 * 60 * 60 * 1000

const steps = [`
  CREATE TABLE metadata_lookups (sha256 TEXT PRIMARY KEY, first_missing_at INTEGER, last_missing_at INTEGER, incomplete INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  CREATE INDEX metadata_lookups_incomplete ON metadata_lookups (sha256) WHERE incomplete = 1;
`]

/** In the state database, since a mark rests on it. */
export function createLookups ({ state, now = Date.now }: { state: StateDatabase, now?: () => number }): Lookups {
  state.migrate('metadata-lookups', steps)
  const { db } = state
  const read = db.prepare<[string], { first_missing_at: number | null, last_missing_at: number | null }>('SELECT first_missing_at, last_missing_at FROM metadata_lookups WHERE sha256 = ?')
  const miss = db.prepare(`INSERT INTO metadata_lookups (sha256, first_missing_at, last_missing_at) VALUES (?, ?, ?)
    ON CONFLICT (sha256) DO UPDATE SET first_missing_at = coalesce(first_missing_at, excluded.first_missing_at), last_missing_at = excluded.last_missing_at`)
  const drop = db.prepare('DELETE FROM metadata_lookups WHERE sha256 = ?')
  const owe = db.prepare('INSERT OR REPLACE INTO metadata_lookups (sha256, incomplete) VALUES (?, 1)')
  const owed = db.prepare<[], string>('SELECT sha256 FROM metadata_lookups WHERE incomplete = 1').pluck()
  return {
    isKnownMissing (sha256) {
      const last = read.get(sha256)?.last_missing_at ?? null
      return last !== null && now() - last < DAY_MS && now() >= last
    },
    confirmMissing (sha256) {
      const first = read.get(sha256)?.first_missing_at ?? null
      miss.run(sha256, now(), now())
      return first !== null && now() - first >= DAY_MS
    },
    found (sha256, complete) {
      if (!complete) owe.run(sha256)
      else if (read.get(sha256)) drop.run(sha256)
    },
    incomplete: () => new Set(owed.all() as unknown as string[])
  }
}

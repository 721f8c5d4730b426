import type { StateDatabase } from '../database/types.ts'

/** What names a version: CivitAI's id, 0 for none, and a hash, "" for none. */
export interface VersionNames { versionId: number, hash: string }

/** What is remembered of versions that CivitAI itself does not know: a recipe may say "deleted" only on its repeated word. */
export interface MissingVersions {
  /** By `versionKey`. */
  note (key: string): void
  /** It is there after all. */
  forget (key: string): void
  /** Whether it was said twice, at least 24 hours apart. */
  isConfirmed (names: VersionNames): boolean
}

const DAY_MS = 24 * 60 * 60 * 1000

const steps = ['CREATE TABLE recipe_missing_versions (key TEXT PRIMARY KEY, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL) WITHOUT ROWID']

export const versionKey = {
  ofId: (versionId: number): string => `version ${versionId}`,
  ofHash: (hash: string): string => `hash ${hash.toLowerCase()}`
}

/** In the state database, since a mark in a recipe rests on it. */
export function createMissingVersions ({ state, now = Date.now }: { state: StateDatabase, now?: () => number }): MissingVersions {
  state.migrate('recipe-missing-versions', steps)
  const { db } = state
  const read = db.prepare<[string], { first_at: number, last_at: number }>('SELECT first_at, last_at FROM recipe_missing_versions WHERE key = ?')
  const put = db.prepare('INSERT INTO recipe_missing_versions (key, first_at, last_at) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at')
  const drop = db.prepare('DELETE FROM recipe_missing_versions WHERE key = ?')

  function isOld (key: string): boolean {
    const row = read.get(key)
    return row !== undefined && row.last_at - row.first_at >= DAY_MS
  }

  return {
    note (key) { put.run(key, now(), now()) },
    forget (key) { if (read.get(key)) drop.run(key) },
    isConfirmed: ({ versionId, hash }) => (versionId > 0 && isOld(versionKey.ofId(versionId))) || (hash !== '' && isOld(versionKey.ofHash(hash)))
  }
}

import type { StateDatabase } from '../database/types.ts'

/** What CivitAI said of models that it no longer has. */
export interface Misses {
  /** Notes a 404; true when CivitAI said so before, at least 24 hours ago, and nothing else in between: only then may a record be marked. */
  confirm (modelId: number): boolean
  /** It is there, or the user decided: former answers count no longer. */
  forget (modelId: number): void
}

const DAY_MS = 24 * 60 * 60 * 1000

const steps = ['CREATE TABLE update_misses (model_id INTEGER PRIMARY KEY, first_missing_at INTEGER NOT NULL)']

/** In the state database, since a mark rests on it. */
export function createMisses ({ state, now }: { state: StateDatabase, now: () => number }): Misses {
  state.migrate('update-misses', steps)
  const note = state.db.prepare<[number, number], number>('INSERT INTO update_misses VALUES (?, ?) ON CONFLICT (model_id) DO UPDATE SET first_missing_at = min(first_missing_at, excluded.first_missing_at) RETURNING first_missing_at').pluck()
  const drop = state.db.prepare('DELETE FROM update_misses WHERE model_id = ?')
  return {
    confirm: (modelId) => now() - Number(note.get(modelId, now())) >= DAY_MS,
    forget (modelId) { drop.run(modelId) }
  }
}

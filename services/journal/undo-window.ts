import type { Clock } from '../progress/clock.ts'
import type { OperationRow } from './store.ts'

export interface UndoWindow {
  /** An operation of this process ended now. */
  ended (id: string): void
  /** Milliseconds since the operation ended; 0 while it runs. */
  elapsedMs (row: OperationRow): number
}

/** Old ends are forgotten in order of age; for them the wall clock will do. */
const REMEMBERED = 10_000

/**
 * Time since the end of operations, by the monotonic clock. For an operation of an earlier process there is only the
 * wall clock to tell how long ago that was at our start; if it was set back meanwhile, the time counts from our start.
 */
export function createUndoWindow (clock: Required<Clock>): UndoWindow {
  const ends = new Map<string, number>()
  const startWall = clock.now()
  const start = clock.monotonic()
  return {
    ended: (id) => {
      ends.set(id, clock.monotonic())
      const [oldest] = ends.keys()
      if (ends.size > REMEMBERED && oldest !== undefined) ends.delete(oldest)
    },
    elapsedMs: (row) => {
      if (row.finished_at === null) return 0
      const end = ends.get(row.id)
      if (end !== undefined) return clock.monotonic() - end
      return Math.max(0, startWall - row.finished_at) + clock.monotonic() - start
    }
  }
}

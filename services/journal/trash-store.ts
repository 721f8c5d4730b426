import type { Database } from 'better-sqlite3'
import { identityAfter } from './actions.ts'
import type { Relocate } from './actions.ts'
import type { Identity } from './identity.ts'

export interface TrashRow {
  operation: string
  n: number
  /** Unit of the operation: what is restored together. */
  unit: number
  /** Where it lies in the trash. */
  path: string
  original: string
  size: number
  identity: Identity
  /** Milliseconds since 1970. */
  trashed_at: number
}

export type TrashState = 'present' | 'restored' | 'purged'

/** The index of the trash. Rows of what is gone stay with their operation, so that it can say why it can't be undone. */
export interface TrashStore {
  /** A finished move into the trash or out of it. */
  note (action: Relocate, item: { operation: string, n: number }, unit: number, now: number): void
  /** Operations with something in the trash, newest first, below `before`. */
  batches (limit: number, before: number | null): { seq: number, operation: string }[]
  /** Present items: of one operation, or all, oldest first. */
  items (operation?: string): TrashRow[]
  setState (operation: string, n: number, state: TrashState): void
  /** Items of an operation that are not in the trash any more. */
  gone (operation: string): number
  /** Those of them that were removed for good. */
  purged (operation: string): number
}

type StoredRow = Omit<TrashRow, 'identity'> & { identity: string }

export function createTrashStore (db: Database): TrashStore {
  const columns = 'operation, n, unit, path, original, size, identity, trashed_at'
  const add = db.prepare(`INSERT OR REPLACE INTO journal_trash (${columns}, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'present')`)
  const set = db.prepare('UPDATE journal_trash SET state = ? WHERE operation = ? AND n = ?')
  const all = db.prepare<[], StoredRow>(`SELECT ${columns} FROM journal_trash WHERE state = 'present' ORDER BY trashed_at, operation, n`)
  const some = db.prepare<[string], StoredRow>(`SELECT ${columns} FROM journal_trash WHERE state = 'present' AND operation = ? ORDER BY n`)
  const gone = db.prepare<[string], { count: number }>("SELECT count(*) AS count FROM journal_trash WHERE operation = ? AND state <> 'present'")
  const purged = db.prepare<[string], { count: number }>("SELECT count(*) AS count FROM journal_trash WHERE operation = ? AND state = 'purged'")
  const batches = db.prepare<[number, number], { seq: number, operation: string }>(`
    SELECT seq, id AS operation FROM journal_operations
    WHERE seq < ? AND id IN (SELECT operation FROM journal_trash WHERE state = 'present') ORDER BY seq DESC LIMIT ?`)

  return {
    note: (action, item, unit, now) => {
      if (action.trash === 'out') set.run('restored', item.operation, item.n)
      else add.run(item.operation, item.n, unit, action.to, action.from, action.identity.size, JSON.stringify(identityAfter(action)), now)
    },
    batches: (limit, before) => batches.all(before ?? Number.MAX_SAFE_INTEGER, limit),
    items: (operation) => (operation === undefined ? all.all() : some.all(operation)).map((row) => ({ ...row, identity: JSON.parse(row.identity) as Identity })),
    setState: (operation, n, state) => { set.run(state, operation, n) },
    gone: (operation) => gone.get(operation)?.count ?? 0,
    purged: (operation) => purged.get(operation)?.count ?? 0
  }
}

import type { Database } from 'better-sqlite3'
import type { StateDatabase } from '../database/types.ts'
import { createSlices } from '../jobs/slices.ts'
import { changeOf } from './actions.ts'
import type { PlannedUnit } from './actions.ts'
import { MIGRATIONS, PREPARED, prepareStatements } from './tables.ts'
import type { Statements } from './tables.ts'
import type { OperationKind, OperationState, UnitError, UnitState } from './types.ts'
import { createTrashStore } from './trash-store.ts'
import type { TrashStore } from './trash-store.ts'

export interface OperationRow {
  seq: number
  id: string
  kind: OperationKind
  route: string
  summary: string
  state: OperationState
  /** Milliseconds since 1970. */
  created_at: number
  finished_at: number | null
  units: number
  files: number
  undo_of: string | null
  undone_by: string | null
}

export interface Intent {
  id: string
  kind: OperationKind
  route: string
  summary: string
  createdAt: number
  undoOf: string | null
  units: readonly PlannedUnit[]
  kept: ReadonlyMap<string, Buffer>
}

/** The journal's tables. */
export interface JournalStore {
  /** The intent is on the disk when it resolves; nothing of it is left when it rejects. */
  begin (intent: Intent): Promise<OperationRow>
  /** Removes what a process left that ended while it wrote an intent: nothing of it was begun. */
  dropPrepared (): void
  /**
   * States of units, in one transaction with what follows from them: trash items, units undone. Without `durable` a power cut
   * may take it back, but never while it keeps what was begun later: recovery then tells the units from the disk again.
   */
  mark (operation: OperationRow, units: readonly PlannedUnit[], now: number, options: { durable: boolean }): Promise<void>
  /** Not waited for: see `mark`. */
  complete (id: string, state: OperationState, now: number): void
  read (id: string): OperationRow | undefined
  page (limit: number, before: number | null): OperationRow[]
  unfinished (): OperationRow[]
  units (operation: string, limit?: number): PlannedUnit[]
  bytes (operation: string, sha256: string): Buffer | undefined
  forget (finishedBefore: number, now: number): number
  wasForgotten (id: string): boolean
  readonly trash: TrashStore
}

interface UnitRow { n: number, key: string, label: string, state: UnitState, error: string | null, actions: string, undoes: number | null }

/** Units whose intent, or whose mark, is one transaction. */
const INSERTED_AT_ONCE = 8
const MARKED_AT_ONCE = 8
const YEAR_MS = 366 * 24 * 60 * 60 * 1000

export function createJournalStore (state: StateDatabase): JournalStore {
  state.migrate('journal', MIGRATIONS)
  const { db } = state
  const trash = createTrashStore(db)
  const statements = prepareStatements(db)
  const readOperation = db.prepare<[string], OperationRow>(`SELECT * FROM journal_operations WHERE id = ? AND state <> '${PREPARED}'`)
  const readUnits = db.prepare<[string, number], UnitRow>('SELECT n, key, label, state, error, actions, undoes FROM journal_units WHERE operation = ? ORDER BY n LIMIT ?')
  const readPage = db.prepare<[number, number], OperationRow>(`SELECT * FROM journal_operations WHERE seq < ? AND state <> '${PREPARED}' ORDER BY seq DESC LIMIT ?`)
  const readUnfinished = db.prepare<[], OperationRow>("SELECT * FROM journal_operations WHERE state IN ('running', 'interrupted') ORDER BY seq")
  const readBytes = db.prepare<[string, string], { data: Buffer }>('SELECT data FROM journal_contents WHERE operation = ? AND sha256 = ?')
  const finish = db.prepare('UPDATE journal_operations SET state = ?, finished_at = ? WHERE id = ?')
  const known = db.prepare<[string], { id: string }>('SELECT id FROM journal_forgotten WHERE id = ?')

  return {
    trash,
    async begin (intent) {
      await insertIntent(state, statements, intent)
      return readOperation.get(intent.id) as OperationRow
    },
    dropPrepared () {
      const ids = db.prepare('SELECT id FROM journal_operations WHERE state = ?').pluck().all(PREPARED) as string[]
      db.transaction(() => { for (const id of ids) remove(db, id) }).immediate()
    },
    async mark (operation, units, now, { durable }) {
      const slice = createSlices()
      for (let at = 0; at < units.length; at += MARKED_AT_ONCE) {
        const some = units.slice(at, at + MARKED_AT_ONCE)
        state.withoutWaiting(() => { db.transaction(() => { markUnits(statements, trash, operation, some, now) }).immediate() })
        await slice()
      }
      const last = (): void => { markUndone(db, operation) }
      if (durable) await state.durably(last)
      else state.withoutWaiting(last)
      state.shortenLog()
    },
    complete: (id, outcome, now) => { state.withoutWaiting(() => { finish.run(outcome, now, id) }) },
    read: (id) => readOperation.get(id),
    page: (limit, before) => readPage.all(before ?? Number.MAX_SAFE_INTEGER, limit),
    unfinished: () => readUnfinished.all(),
    units: (operation, limit = -1) => readUnits.all(operation, limit).map(toUnit),
    bytes: (operation, sha256) => readBytes.get(operation, sha256)?.data,
    forget: (finishedBefore, now) => db.transaction(() => forget(db, finishedBefore, now)).immediate(),
    wasForgotten: (id) => known.get(id) !== undefined
  }
}

function toUnit (row: UnitRow): PlannedUnit {
  return {
    n: row.n,
    key: row.key,
    label: row.label,
    state: row.state,
    error: row.error === null ? null : JSON.parse(row.error) as UnitError,
    actions: JSON.parse(row.actions) as PlannedUnit['actions'],
    undoes: row.undoes
  }
}

/** Written piece by piece, so that no request waits for a large one, and valid all at once by its last transaction. */
async function insertIntent ({ db, durably, withoutWaiting }: StateDatabase, { head, addUnit, keep, setRunning }: Statements, { id, kind, route, summary, createdAt, undoOf, units, kept }: Intent): Promise<void> {
  const contents = [...kept]
  const slice = createSlices()
  let files = 0
  const part = db.transaction((at: number): void => {
    if (at === 0) head.run(id, kind, route, summary, createdAt, units.length, undoOf)
    for (const unit of units.slice(at, at + INSERTED_AT_ONCE)) {
      const error = unit.error === null ? null : JSON.stringify(unit.error)
      addUnit.run(id, unit.n, unit.key, unit.label, unit.state, error, JSON.stringify(unit.actions), unit.undoes)
      files += unit.actions.flatMap(changeOf).length
    }
    for (const [sha256, data] of contents.slice(at, at + INSERTED_AT_ONCE)) keep.run(id, sha256, data)
    if (at + INSERTED_AT_ONCE >= most) setRunning.run(files, id)
  })
  const most = Math.max(units.length, contents.length)
  let ours = false
  const write = (at: number): void => {
    part.immediate(at)
    ours = true
  }
  let at = 0
  try {
    for (; at + INSERTED_AT_ONCE < most; at += INSERTED_AT_ONCE) {
      withoutWaiting(() => { write(at) })
      await slice()
    }
    await durably(() => { write(at) })
  } catch (error) {
    // Another operation with this id stays.
    if (ours) db.transaction(() => { remove(db, id) }).immediate()
    throw error
  }
}

function remove (db: Database, id: string): void {
  for (const table of ['journal_operations', 'journal_units', 'journal_contents', 'journal_trash']) {
    db.prepare(`DELETE FROM ${table} WHERE ${table === 'journal_operations' ? 'id' : 'operation'} = ?`).run(id)
  }
}

function markUnits ({ setUnit, setActions, setUndone }: Statements, trash: TrashStore, operation: OperationRow, units: readonly PlannedUnit[], now: number): void {
  for (const unit of units) {
    setUnit.run(unit.state, unit.error === null ? null : JSON.stringify(unit.error), operation.id, unit.n)
    // All that becomes of an action on the way.
    if (unit.actions.some((action) => action.kind === 'relocate' && action.after)) setActions.run(JSON.stringify(unit.actions), operation.id, unit.n)
    if (unit.state !== 'done') continue
    for (const action of unit.actions) {
      if (action.kind === 'relocate' && action.item) trash.note(action, action.item, unit.n, now)
    }
    if (operation.undo_of !== null && unit.undoes !== null) setUndone.run(operation.undo_of, unit.undoes)
  }
}

/** The operation that is taken back, by what became of its units. */
function markUndone (db: Database, operation: OperationRow): void {
  if (operation.undo_of === null) return
  const states = db.prepare<[string], UnitState>('SELECT DISTINCT state FROM journal_units WHERE operation = ?').pluck().all(operation.undo_of) as UnitState[]
  if (!states.includes('undone')) return
  db.prepare('UPDATE journal_operations SET state = ?, undone_by = ? WHERE id = ?')
    .run(states.includes('done') ? 'partial' : 'undone', operation.id, operation.undo_of)
}

function forget (db: Database, finishedBefore: number, now: number): number {
  const ids = db.prepare(`SELECT id FROM journal_operations WHERE finished_at < ? AND state NOT IN ('running', 'interrupted')
    AND id NOT IN (SELECT operation FROM journal_trash WHERE state = 'present')`).pluck().all(finishedBefore) as string[]
  const remember = db.prepare('INSERT OR REPLACE INTO journal_forgotten (id, forgotten_at) VALUES (?, ?)')
  for (const id of ids) {
    remove(db, id)
    remember.run(id, now)
  }
  db.prepare('DELETE FROM journal_forgotten WHERE forgotten_at < ?').run(now - YEAR_MS)
  return ids.length
}

import { changeOf } from './actions.ts'
import type { PlannedUnit } from './actions.ts'
import type { JournalStore, OperationRow } from './store.ts'
import type { FileChange, OperationDetail, OperationView } from './types.ts'

const UNITS_IN_LIST = 5

/** Why an operation can't be undone, as far as its rows tell; the disk is asked only by `undo`. */
export function undoObstacle (store: JournalStore, row: OperationRow): string | null {
  if (row.kind === 'undo' || row.kind === 'restore') return 'It put things back itself; repeat the original change instead'
  switch (row.state) {
    case 'running': return 'It is still running'
    case 'interrupted': return 'It was interrupted and is not settled yet'
    case 'undone': return 'It is undone already'
    case 'failed':
    case 'rolled-back': return 'It changed nothing'
    case 'done':
    case 'partial': break
  }
  const gone = store.trash.gone(row.id)
  if (gone === 0) return null
  const undone = store.units(row.id).filter((unit) => unit.state === 'undone').flatMap((unit) => unit.actions)
  const brought = undone.filter((action) => action.kind === 'relocate' && action.item).length
  return gone > brought ? 'Some of its files are no longer in the trash' : null
}

export function operationView (store: JournalStore, row: OperationRow): OperationView {
  const reason = undoObstacle(store, row)
  return {
    id: row.id,
    kind: row.kind,
    route: row.route,
    summary: row.summary,
    state: row.state,
    created_at: new Date(row.created_at).toISOString(),
    finished_at: row.finished_at === null ? null : new Date(row.finished_at).toISOString(),
    units: row.units,
    files: row.files,
    changes: store.units(row.id, UNITS_IN_LIST).flatMap(changesOf),
    undoable: reason === null,
    undo_reason: reason,
    undo_of: row.undo_of,
    undone_by: row.undone_by
  }
}

export function operationDetail (store: JournalStore, row: OperationRow): OperationDetail {
  const units = store.units(row.id)
  return {
    ...operationView(store, row),
    changes: units.flatMap(changesOf),
    unit_list: units.map((unit) => ({ key: unit.key, label: unit.label, state: unit.state, error: unit.error, files: changesOf(unit) }))
  }
}

function changesOf (unit: PlannedUnit): FileChange[] {
  return unit.state === 'failed' || unit.state === 'rolled-back' ? [] : unit.actions.flatMap(changeOf)
}

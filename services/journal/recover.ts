import { createShops, finishOperation, syncDirectories } from './execute.ts'
import type { Engine } from './execute.ts'
import type { PlannedUnit } from './actions.ts'
import { settleUnit } from './perform.ts'
import type { OperationRow } from './store.ts'
import { tidyTrash, trashDirectories } from './trash-directory.ts'
import type { RecoveredUnit, RecoveryReport } from './types.ts'

/**
 * Ends one operation that has an intent and no completion. Each unit is finished, rolled back, or was not begun; one that
 * can't be told yet keeps the operation `interrupted`, and the next start tries again. May itself be interrupted anywhere.
 */
export async function recoverOperation (engine: Engine, operation: OperationRow): Promise<RecoveryReport['operations'][number]> {
  const units = engine.store.units(operation.id)
  const open = units.filter((unit) => unit.state === 'pending' || unit.state === 'interrupted')
  const shopOf = createShops(engine, operation, units)
  const report: RecoveredUnit[] = []
  for (const unit of open) {
    const settled = await settleUnit(shopOf(unit), unit)
    noteOutcome(unit, settled)
    report.push({ key: unit.key, ...settled })
  }
  const settledUnits = open.filter((unit) => unit.state !== 'interrupted')
  await syncDirectories(engine, settledUnits.flatMap((unit) => unit.actions))
  await engine.store.mark(operation, open, engine.clock.now(), { durable: true })
  const state = await finishOperation(engine, operation, units)
  if (state !== 'interrupted') await tidyTrash(engine, trashDirectories(units.flatMap((unit) => unit.actions)))
  engine.logger.info({ operation: operation.id, kind: operation.kind, state, units: report.slice(0, 20) }, 'an interrupted operation was settled')
  return { id: operation.id, kind: operation.kind, state, units: report }
}

function noteOutcome (unit: PlannedUnit, { outcome, reason }: Pick<RecoveredUnit, 'outcome' | 'reason'>): void {
  if (outcome === 'finished') {
    unit.state = 'done'
    unit.error = null
    return
  }
  unit.state = outcome === 'waiting' ? 'interrupted' : 'rolled-back'
  const why = reason === undefined ? '' : `: ${reason}`
  unit.error ??= { kind: 'conflict', code: 'interrupted', message: `The process ended before this was done${why}` }
}

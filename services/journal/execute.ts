import type { Clock } from '../progress/clock.ts'
import type { Logger } from '../logger.ts'
import { changeOf, directoriesOf, isFileAction, pathsOf } from './actions.ts'
import type { Action, PlannedUnit } from './actions.ts'
import type { JournalDisk } from './disk.ts'
import { dropTakenOver, performUnit } from './perform.ts'
import { temporaryName } from './shop.ts'
import type { Shop } from './shop.ts'
import type { JournalStore, OperationRow } from './store.ts'
import { createTrashOpener, tidyTrash, trashDirectories } from './trash-directory.ts'
import type { OperationResult, OperationState, RunOptions, UnitResult } from './types.ts'

/** What the parts of the journal share. */
export interface Engine {
  disk: JournalDisk
  store: JournalStore
  clock: Required<Clock>
  logger: Logger
}

/** Units whose completion is noted in one transaction: a unit without its mark is looked at again after a crash, no more. */
const BATCH = 64

export function createShops (engine: Engine, operation: OperationRow, units: readonly PlannedUnit[], fresh: ReadonlyMap<string, Buffer> = new Map()): (unit: PlannedUnit) => Shop {
  const openTrash = createTrashOpener(engine, operation, units)
  return (unit) => ({
    disk: engine.disk,
    logger: engine.logger,
    openTrash,
    bytes: (sha256) => fresh.get(sha256) ?? engine.store.bytes(operation.id, sha256),
    temporary: (directory) => `${directory}/${temporaryName(operation.id, unit.n)}`
  })
}

/** Runs the units of an operation whose intent is recorded, one by one, and records how they ended. */
export async function executeUnits (engine: Engine, operation: OperationRow, units: readonly PlannedUnit[], fresh: ReadonlyMap<string, Buffer>, options: RunOptions): Promise<OperationResult> {
  const shopOf = createShops(engine, operation, units, fresh)
  const marks = createMarks(engine, operation)
  const results: UnitResult[] = []
  for (const unit of units) {
    if (marks.touches(unit)) await marks.flush({ durable: true })
    await runUnit(shopOf(unit), unit, options.signal)
    await marks.add(unit)
    const result = resultOf(unit)
    results.push(result)
    announce(engine, options, result, results.length, units.length)
  }
  await marks.flush({ durable: false })
  return { id: operation.id, state: await finishOperation(engine, operation, units), units: results }
}

async function runUnit (shop: Shop, unit: PlannedUnit, signal: AbortSignal | undefined): Promise<void> {
  if (unit.state === 'pending' && signal?.aborted) {
    unit.state = 'failed'
    unit.error = { kind: 'conflict', code: 'not-run', message: 'Cancelled before it was begun' }
  }
  if (unit.state !== 'pending') return dropTakenOver(shop, unit)
  const outcome = await performUnit(shop, unit)
  unit.state = outcome.state
  unit.error = outcome.state === 'done' ? null : outcome.error
}

function announce ({ logger }: Engine, { onUnit }: RunOptions, result: UnitResult, done: number, total: number): void {
  try {
    onUnit?.(result, done, total)
  } catch (error) {
    // whoever watches must not stop an operation in the middle
    logger.error({ err: error }, 'a listener of a running operation failed')
  }
}

function resultOf (unit: PlannedUnit): UnitResult {
  const ok = unit.state === 'done'
  const result: UnitResult = { key: unit.key, ok, files: ok ? unit.actions.flatMap(changeOf) : [] }
  return unit.error === null ? result : { ...result, error: unit.error }
}

interface Marks {
  add (unit: PlannedUnit): Promise<void>
  /** Whether the unit touches a path that an unmarked one touched: then that one must be marked first, or it couldn't be told any more. */
  touches (unit: PlannedUnit): boolean
  flush (options: { durable: boolean }): Promise<void>
}

function createMarks (engine: Engine, operation: OperationRow): Marks {
  let units: PlannedUnit[] = []
  const paths = new Set<string>()
  const flush = async (options: { durable: boolean }): Promise<void> => {
    if (units.length === 0) return
    const actions = units.filter((unit) => unit.state === 'done').flatMap((unit) => unit.actions)
    await syncDirectories(engine, actions)
    engine.store.mark(operation, units, engine.clock.now(), options)
    units = []
    paths.clear()
  }
  return {
    flush,
    touches: (unit) => filePaths(unit).some((path) => paths.has(path)),
    add: async (unit) => {
      units.push(unit)
      for (const path of filePaths(unit)) paths.add(path)
      if (units.length >= BATCH) await flush({ durable: false })
    }
  }
}

function filePaths (unit: PlannedUnit): string[] {
  return unit.actions.filter(isFileAction).flatMap(pathsOf)
}

/** Names become durable before their mark does: each directory once per batch, not once per file. */
export async function syncDirectories ({ disk, logger }: Engine, actions: readonly Action[]): Promise<void> {
  for (const directory of new Set(actions.flatMap(directoriesOf))) {
    try {
      await disk.fsyncDirectory(directory)
    } catch (error) {
      // what was done is done; only its safety against a power cut in the next seconds is unknown
      logger.warn({ err: error, directory }, 'a directory could not be synced')
    }
  }
}

/** Tidies the trash and records the end, once every unit is marked. */
export async function finishOperation (engine: Engine, operation: OperationRow, units: readonly PlannedUnit[]): Promise<OperationState> {
  const state = stateOf(units)
  if (state !== 'interrupted') {
    const unsettled = units.filter((unit) => unit.state !== 'done').flatMap((unit) => unit.actions)
    const emptied = trashDirectories(units.flatMap((unit) => unit.actions), 'out')
    await tidyTrash(engine, new Map([...trashDirectories(unsettled), ...emptied]))
  }
  engine.store.complete(operation.id, state, engine.clock.now())
  return state
}

export function stateOf (units: readonly PlannedUnit[]): OperationState {
  const count = (state: PlannedUnit['state']): number => units.filter((unit) => unit.state === state).length
  if (count('interrupted') + count('pending') > 0) return 'interrupted'
  const done = count('done')
  if (done === units.length) return 'done'
  if (done > 0) return 'partial'
  if (count('undone') > 0) return 'undone'
  return count('rolled-back') > 0 ? 'rolled-back' : 'failed'
}

import { PathOutsideLibraryError } from '../errors.ts'
import type { Clock } from '../progress/clock.ts'
import type { Logger } from '../logger.ts'
import { changeOf, directoriesOf, filePaths, isFileAction } from './actions.ts'
import type { Action, PlannedUnit } from './actions.ts'
import type { JournalDisk } from './disk.ts'
import type { Hand } from './hand.ts'
import { createLanes } from './lanes.ts'
import { describeFailure } from './errors.ts'
import { dropTakenOver, performUnit } from './perform.ts'
import type { UnitOutcome } from './perform.ts'
import { temporaryName } from './shop.ts'
import type { Shop } from './shop.ts'
import type { JournalStore, OperationRow } from './store.ts'
import type { TrashDirectoryFor } from './draft.ts'
import { createTrashOpener, tidyTrash, trashDirectories } from './trash-directory.ts'
import type { OperationResult, OperationState, RunOptions, UnitResult } from './types.ts'

/** What the parts of the journal share. */
export interface Engine {
  disk: JournalDisk
  store: JournalStore
  clock: Required<Clock>
  logger: Logger
  trashDirectoryFor: TrashDirectoryFor
}

/** Units that run side by side; one of the four threads for files stays free for requests. An operation of a few goes one by one. */
const LANES = 3
const FEW = 8
/** Units that are asked of a hand before the first of them is answered, so that it never waits for this thread. */
const ASKED_OF_HAND = 8
/** Units whose completion is noted in one transaction: a unit without its mark is looked at again after a crash, no more. */
const BATCH = 64

export interface ExecuteOptions extends RunOptions {
  /** Carries out the units; without one that is done here. */
  hand: Hand | null
  /** Small contents, old and new, by their hash. */
  contents: ReadonlyMap<string, Buffer>
}

export function createShops (engine: Engine, operation: OperationRow, units: readonly PlannedUnit[], contents: ReadonlyMap<string, Buffer> = new Map()): (unit: PlannedUnit) => Shop {
  const openTrash = createTrashOpener(engine, operation, units)
  return (unit) => ({
    disk: engine.disk,
    logger: engine.logger,
    openTrash,
    bytes: (sha256) => contents.get(sha256) ?? engine.store.bytes(operation.id, sha256),
    temporary: (directory) => `${directory}/${temporaryName(operation.id, unit.n)}`
  })
}

/**
 * Runs the units of an operation whose intent is recorded, and records how they ended. They are begun in order, some side by
 * side, since most of the time is spent waiting for the disk.
 */
export async function executeUnits (engine: Engine, operation: OperationRow, units: readonly PlannedUnit[], options: ExecuteOptions): Promise<OperationResult> {
  const { hand } = options
  const shopOf = createShops(engine, operation, units, options.contents)
  const marks = createMarks(engine, operation)
  const lanes = createLanes(hand ? ASKED_OF_HAND : units.length < FEW ? 1 : LANES)
  const perform = async (unit: PlannedUnit): Promise<UnitOutcome> => hand
    ? await performByHand(hand, shopOf(unit), unit)
    : await performUnit(shopOf(unit), unit, async (work) => await lanes.alone(unit, work))
  let ended = 0
  for (const unit of units) {
    if (marks.touches(unit)) {
      await lanes.idle()
      await marks.flush({ durable: true })
    }
    marks.begin(unit)
    await lanes.start(unit, async () => {
      await runUnit(shopOf(unit), unit, options.signal, perform)
      marks.add(unit)
      announce(engine, options, resultOf(unit), ++ended, units.length)
    }, hand === null && !isQuick(engine, unit))
    if (marks.due()) await marks.flush({ durable: false })
  }
  await lanes.idle()
  await marks.flush({ durable: false })
  return { id: operation.id, state: await finishOperation(engine, operation, units), units: units.map(resultOf) }
}

/** Renames and small files of one root. A file that crosses disks has them for itself, and a folder goes when all that leaves it has left. */
function isQuick ({ trashDirectoryFor }: Engine, { actions }: PlannedUnit): boolean {
  return actions.every((action) => {
    if (!isFileAction(action)) return action.kind === 'mkdir'
    if (action.from === null || action.to === null) return true
    const places = [action.from, action.to].map((path) => placeOf(trashDirectoryFor, path))
    return places[0] !== null && places[0] === places[1]
  })
}

/** The trash of its root; null for what comes from outside of all roots, such as recipes that another program laid aside. */
function placeOf (trashDirectoryFor: TrashDirectoryFor, path: string): string | null {
  try {
    return trashDirectoryFor(path)
  } catch (error) {
    if (error instanceof PathOutsideLibraryError) return null
    throw error
  }
}

/** The hand does one unit after the other; folders of the trash are made ready here, where it is known which are. */
async function performByHand (hand: Hand, shop: Shop, unit: PlannedUnit): Promise<UnitOutcome> {
  try {
    for (const directory of trashDirectories(unit.actions, 'in').keys()) await shop.openTrash(directory)
  } catch (error) {
    await dropTakenOver(shop, unit)
    return { state: 'failed', error: describeFailure(error) }
  }
  return await hand.perform(unit, shop)
}

async function runUnit (shop: Shop, unit: PlannedUnit, signal: AbortSignal | undefined, perform: (unit: PlannedUnit) => Promise<UnitOutcome>): Promise<void> {
  if (unit.state === 'pending' && signal?.aborted) {
    unit.state = 'failed'
    unit.error = { kind: 'conflict', code: 'not-run', message: 'Cancelled before it was begun' }
  }
  if (unit.state !== 'pending') return dropTakenOver(shop, unit)
  const outcome = await perform(unit)
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
  begin (unit: PlannedUnit): void
  /** It has ended. */
  add (unit: PlannedUnit): void
  /** Whether so many are waiting that they are to be written. */
  due (): boolean
  /** Whether the unit touches a path of one that was begun and is not marked: that one must be first, or it couldn't be told any more. */
  touches (unit: PlannedUnit): boolean
  flush (options: { durable: boolean }): Promise<void>
}

function createMarks (engine: Engine, operation: OperationRow): Marks {
  let units: PlannedUnit[] = []
  const paths = new Set<string>()
  const flush = async (options: { durable: boolean }): Promise<void> => {
    if (units.length === 0) return
    const some = units
    units = []
    const actions = some.filter((unit) => unit.state === 'done').flatMap((unit) => unit.actions)
    await syncDirectories(engine, actions)
    await engine.store.mark(operation, some, engine.clock.now(), options)
    for (const path of some.flatMap(filePaths)) paths.delete(path)
  }
  return {
    flush,
    touches: (unit) => filePaths(unit).some((path) => paths.has(path)),
    due: () => units.length >= BATCH,
    begin (unit) {
      for (const path of filePaths(unit)) paths.add(path)
    },
    add (unit) { units.push(unit) }
  }
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

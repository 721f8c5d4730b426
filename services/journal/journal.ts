import { randomBytes } from 'node:crypto'
import type { StateDatabase } from '../database/types.ts'
import { NotFoundError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { systemClock } from '../progress/clock.ts'
import type { Clock } from '../progress/clock.ts'
import { pathsOf } from './actions.ts'
import { createCarryOut } from './carry-out.ts'
import type { CarryOut, Head } from './carry-out.ts'
import { nodeDisk } from './disk.ts'
import type { JournalDisk } from './disk.ts'
import { UndoRefusedError } from './errors.ts'
import type { Engine } from './execute.ts'
import { createHire } from './hand.ts'
import { createPathLocks } from './path-locks.ts'
import type { PathLocks } from './path-locks.ts'
import { planUnits } from './plan.ts'
import { recoverOperation } from './recover.ts'
import { createJournalStore } from './store.ts'
import type { JournalStore, OperationRow } from './store.ts'
import { createTrashPlace } from './trash-place.ts'
import type { TrashRoot } from './trash-place.ts'
import { emptyTrash, findTrashed, listTrash, planRestore } from './trash.ts'
import type { Journal, JournalTrash, RecoveryReport, Step } from './types.ts'
import { planUndo } from './undo.ts'
import { createUndoWindow } from './undo-window.ts'
import type { UndoWindow } from './undo-window.ts'
import { validateOperation } from './validate.ts'
import { operationDetail, operationView, undoObstacle } from './views.ts'

export interface JournalDeps {
  state: StateDatabase
  logger: Logger
  /** Folders whose files it may change, as they are configured at the time. */
  roots (): readonly TrashRoot[]
  /** Another disk than that of the machine: then all is done in this thread. */
  disk?: JournalDisk
  clock?: Clock
}

const DAY_MS = 24 * 60 * 60 * 1000

export function newOperationId (): string {
  return randomBytes(16).toString('hex')
}

/**
 * The journal for the disk: see the port for what it promises. The intent of a whole operation, with the identity of
 * every file, is committed before the first change; each unit is then told from the disk itself, never from a note of how far
 * it came, so that a crash at any point leaves something that can be finished or taken back.
 */
export function createJournal (deps: JournalDeps): Journal {
  const { state, logger, roots, disk = nodeDisk } = deps
  const clock = completeClock(deps.clock ?? systemClock)
  const engine: Engine = { disk, clock, logger, trashDirectoryFor: createTrashPlace(roots), store: createJournalStore(state) }
  const locks = createPathLocks()
  const window = createUndoWindow(clock)
  const running = new Set<string>()
  const hire = disk === nodeDisk ? createHire({ roots, logger }) : async () => null
  const carryOut = createCarryOut({ engine, locks, window, running, hire })
  return {
    run: createRun(carryOut),
    undo: createUndo(engine, carryOut, running),
    recover: createRecover(engine, locks, running),
    ...createViews(engine, window),
    prune: ({ olderThanDays }) => engine.store.forget(clock.now() - olderThanDays * DAY_MS, clock.now()),
    trash: createTrash(engine, carryOut, locks)
  }
}

function completeClock (clock: Clock): Required<Clock> {
  return { now: () => clock.now(), monotonic: () => clock.monotonic?.() ?? clock.now() }
}

function createRun (carryOut: CarryOut): Journal['run'] {
  return async (operation, options) => {
    const { units, ...head } = await validateOperation({ ...operation, id: operation.id ?? newOperationId() })
    const paths = units.flatMap((unit) => unit.steps.flatMap(pathsOfStep))
    return carryOut({ ...head, undoOf: null }, { paths, units: units.length }, async (draft, hand) => await (hand ? hand.plan(draft, units) : planUnits(draft, units)), options)
  }
}

function createUndo ({ store }: Engine, carryOut: CarryOut, running: ReadonlySet<string>): Journal['undo'] {
  return async (id, route = 'undo') => {
    const original = existing(store, id)
    const all = store.units(id)
    const scope = { paths: all.flatMap((unit) => unit.actions.flatMap(pathsOf)), units: all.length }
    const head: Head = { id: newOperationId(), kind: 'undo', route, summary: `Undo: ${original.summary}`, undoOf: id }
    return carryOut(head, scope, async (draft) => {
      const obstacle = running.has(id) ? 'It is still running' : undoObstacle(store, existing(store, id))
      if (obstacle !== null) throw new UndoRefusedError([obstacle])
      const done = store.units(id).filter((unit) => unit.state === 'done')
      const { units, reasons } = await planUndo(draft, done, (sha256) => store.bytes(id, sha256))
      if (reasons.length > 0) throw new UndoRefusedError(reasons)
      return units
    })
  }
}

function createRecover (engine: Engine, locks: PathLocks, running: ReadonlySet<string>): Journal['recover'] {
  const { store } = engine
  return async () => {
    const report: RecoveryReport = { operations: [] }
    if (running.size === 0) store.dropPrepared()
    for (const row of store.unfinished()) {
      if (running.has(row.id)) continue
      const release = await locks.acquire(store.units(row.id).flatMap((unit) => unit.actions.flatMap(pathsOf)))
      try {
        report.operations.push(await recoverOperation(engine, row))
      } finally {
        release()
      }
    }
    return report
  }
}

function createViews ({ store }: Engine, window: UndoWindow): Pick<Journal, 'operations' | 'operation' | 'expired'> {
  return {
    operations: ({ limit, after }) => {
      const rows = store.page(limit + 1, after === undefined ? null : existing(store, after).seq)
      const items = rows.slice(0, limit).map((row) => operationView(store, row))
      return { items, next: rows.length > limit ? items.at(-1)?.id ?? null : null }
    },
    operation: (id) => operationDetail(store, existing(store, id)),
    expired: (id, ttlSeconds) => {
      if (store.wasForgotten(id)) return true
      const row = existing(store, id)
      return store.trash.purged(id) > 0 || window.elapsedMs(row) > ttlSeconds * 1000
    }
  }
}

function createTrash (engine: Engine, carryOut: CarryOut, locks: PathLocks): JournalTrash {
  return {
    list: ({ limit, after }) => listTrash(engine, limit, after === undefined ? null : existing(engine.store, after).seq),
    restore: async (id, route = 'trash') => {
      const rows = findTrashed(engine, id)
      const paths = rows.flatMap((row) => [row.path, row.original])
      const head: Head = { id: newOperationId(), kind: 'restore', route, summary: `Restore ${rows.length} file(s) from the trash`, undoOf: null }
      return carryOut(head, { paths, units: rows.length }, (draft) => planRestore(draft, findTrashed(engine, id)))
    },
    empty: (options = {}) => emptyTrash(engine, locks, options)
  }
}

function existing (store: JournalStore, id: string): OperationRow {
  const row = store.read(id)
  if (!row) throw new NotFoundError('There is no such operation', 'operation-not-found')
  return row
}

function pathsOfStep (step: Step): string[] {
  switch (step.kind) {
    case 'move': return [step.from, step.to]
    case 'create': return [step.from, step.path]
    case 'trash':
    case 'write': return [step.path]
    default: return []
  }
}

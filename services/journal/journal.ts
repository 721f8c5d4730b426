import { randomBytes } from 'node:crypto'
import type { StateDatabase } from '../database/types.ts'
import { DomainError, NotFoundError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { systemClock } from '../progress/clock.ts'
import type { Clock } from '../progress/clock.ts'
import { pathsOf } from './actions.ts'
import type { PlannedUnit } from './actions.ts'
import { errnoOf, nodeDisk } from './disk.ts'
import type { JournalDisk } from './disk.ts'
import { createDraft } from './draft.ts'
import type { Draft, TrashDirectoryFor } from './draft.ts'
import { UndoRefusedError } from './errors.ts'
import { executeUnits } from './execute.ts'
import type { Engine } from './execute.ts'
import { createPathLocks } from './path-locks.ts'
import { planUnits } from './plan.ts'
import { recoverOperation } from './recover.ts'
import { createJournalStore } from './store.ts'
import type { Intent, OperationRow } from './store.ts'
import { emptyTrash, findTrashed, listTrash, planRestore } from './trash.ts'
import type { Journal, Operation, OperationKind, OperationResult, RecoveryReport, RunOptions, Step } from './types.ts'
import { planUndo } from './undo.ts'
import { createUndoWindow } from './undo-window.ts'
import { validateOperation } from './validate.ts'
import { operationDetail, operationView, undoObstacle } from './views.ts'

export interface JournalDeps {
  state: StateDatabase
  logger: Logger
  /** `<root>/.modelshelf-trash` of the root that a path lies in, or of the volume behind a linked folder. */
  trashDirectoryFor: TrashDirectoryFor
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
  const { state, logger, trashDirectoryFor, disk = nodeDisk } = deps
  const clock = { ...systemClock, ...deps.clock, monotonic: deps.clock?.monotonic ?? (deps.clock ? deps.clock.now.bind(deps.clock) : systemClock.monotonic) }
  const engine: Engine = { disk, clock, logger, store: createJournalStore(state) }
  const locks = createPathLocks()
  const window = createUndoWindow(clock)
  const running = new Set<string>()
  const { store } = engine

  /** Plans and runs with these paths held; `plan` may refuse by throwing. */
  async function carryOut (head: Head, paths: Iterable<string>, plan: (draft: Draft) => Promise<PlannedUnit[]>, options: RunOptions = {}): Promise<OperationResult> {
    const release = await locks.acquire(paths)
    running.add(head.id)
    try {
      const draft = createDraft(disk, head.id, trashDirectoryFor)
      const units = await plan(draft)
      const row = begin({ ...head, createdAt: clock.now(), units, kept: draft.kept })
      return await executeUnits(engine, row, units, draft.fresh, options)
    } finally {
      window.ended(head.id)
      running.delete(head.id)
      release()
    }
  }

  function begin (intent: Intent): OperationRow {
    try {
      store.begin(intent)
    } catch (error) {
      if (errnoOf(error) === 'SQLITE_FULL') throw new DomainError('storage-full', 'storage-full', 'The disk of the settings folder is full', {}, { cause: error })
      throw error
    }
    return existing(intent.id)
  }

  function existing (id: string): OperationRow {
    const row = store.read(id)
    if (!row) throw new NotFoundError('There is no such operation', 'operation-not-found')
    return row
  }

  function position (after: string | undefined): number | null {
    return after === undefined ? null : existing(after).seq
  }

  async function run (operation: Operation, options: RunOptions = {}): Promise<OperationResult> {
    const { units, ...head } = validateOperation({ ...operation, id: operation.id ?? newOperationId() })
    const paths = units.flatMap((unit) => unit.steps.flatMap(pathsOfStep))
    return carryOut({ ...head, undoOf: null }, paths, (draft) => planUnits(draft, units), options)
  }

  async function undo (id: string, route = 'undo'): Promise<OperationResult> {
    const original = existing(id)
    const paths = store.units(id).flatMap((unit) => unit.actions.flatMap(pathsOf))
    const head: Head = { id: newOperationId(), kind: 'undo', route, summary: `Undo: ${original.summary}`, undoOf: id }
    return carryOut(head, paths, async (draft) => {
      const obstacle = running.has(id) ? 'It is still running' : undoObstacle(store, existing(id))
      if (obstacle !== null) throw new UndoRefusedError([obstacle])
      const done = store.units(id).filter((unit) => unit.state === 'done')
      const { units, reasons } = await planUndo(draft, done, (sha256) => store.bytes(id, sha256))
      if (reasons.length > 0) throw new UndoRefusedError(reasons)
      return units
    })
  }

  async function restore (id: string, route = 'trash'): Promise<OperationResult> {
    const rows = findTrashed(engine, id)
    const paths = rows.flatMap((row) => [row.path, row.original])
    const head: Head = { id: newOperationId(), kind: 'restore', route, summary: `Restore ${rows.length} file(s) from the trash`, undoOf: null }
    return carryOut(head, paths, (draft) => planRestore(draft, findTrashed(engine, id)))
  }

  async function recover (): Promise<RecoveryReport> {
    const report: RecoveryReport = { operations: [] }
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

  return {
    run,
    undo,
    recover,
    operations: ({ limit, after }) => {
      const rows = store.page(limit + 1, position(after))
      const items = rows.slice(0, limit).map((row) => operationView(store, row))
      return { items, next: rows.length > limit ? items.at(-1)?.id ?? null : null }
    },
    operation: (id) => operationDetail(store, existing(id)),
    expired: (id, ttlSeconds) => {
      if (store.wasForgotten(id)) return true
      const row = existing(id)
      return store.trash.gone(id) > 0 || window.elapsedMs(row) > ttlSeconds * 1000
    },
    prune: ({ olderThanDays }) => store.forget(clock.now() - olderThanDays * DAY_MS, clock.now()),
    trash: {
      list: ({ limit, after }) => listTrash(engine, limit, position(after)),
      restore,
      empty: (options = {}) => emptyTrash(engine, locks, options)
    }
  }
}

interface Head { id: string, kind: OperationKind, route: string, summary: string, undoOf: string | null }

function pathsOfStep (step: Step): string[] {
  switch (step.kind) {
    case 'move': return [step.from, step.to]
    case 'create': return [step.from, step.path]
    case 'trash':
    case 'write': return [step.path]
    default: return []
  }
}

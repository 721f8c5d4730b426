import { ConflictError, DomainError } from '../errors.ts'
import type { PlannedUnit } from './actions.ts'
import { errnoOf } from './disk.ts'
import { createDraft } from './draft.ts'
import type { Draft } from './draft.ts'
import { executeUnits } from './execute.ts'
import type { Engine } from './execute.ts'
import type { Hand, Hire } from './hand.ts'
import type { PathLocks } from './path-locks.ts'
import type { Intent, OperationRow } from './store.ts'
import type { OperationResult, RunOptions } from './types.ts'
import type { UndoWindow } from './undo-window.ts'

export type Head = Pick<Intent, 'id' | 'kind' | 'route' | 'summary' | 'undoOf'>

export interface CarryOutDeps {
  engine: Engine
  locks: PathLocks
  window: UndoWindow
  /** Operations of this process that are under way. */
  running: Set<string>
  hire: Hire
}

/** What an operation is about: every path that it may change, and about how many units that is. */
export interface Scope { paths: readonly string[], units: number }

export type CarryOut = (head: Head, scope: Scope, plan: (draft: Draft, hand: Hand | null) => Promise<PlannedUnit[]>, options?: RunOptions) => Promise<OperationResult>

/** The course of every operation: hold its paths, plan, record the intent, execute. `plan` may refuse by throwing: then nothing is recorded. */
export function createCarryOut ({ engine, locks, window, running, hire }: CarryOutDeps): CarryOut {
  return async (head, { paths, units: count }, plan, options = {}) => {
    const release = await locks.acquire(paths)
    running.add(head.id)
    let hand: Hand | null = null
    try {
      hand = await hire(head.id, paths, count)
      const draft = createDraft(engine.disk, head.id, engine.trashDirectoryFor)
      const units = await plan(draft, hand)
      const row = await begin(engine, { ...head, createdAt: engine.clock.now(), units, kept: draft.kept })
      const result = await executeUnits(engine, row, units, { hand, contents: new Map([...draft.kept, ...draft.fresh]), ...options })
      window.ended(head.id)
      return result
    } finally {
      hand?.dismiss()
      running.delete(head.id)
      release()
    }
  }
}

async function begin ({ store }: Engine, intent: Intent): Promise<OperationRow> {
  try {
    return await store.begin(intent)
  } catch (error) {
    if (errnoOf(error) === 'SQLITE_FULL') throw new DomainError('storage-full', 'storage-full', 'The disk of the settings folder is full', {}, { cause: error })
    if (errnoOf(error).startsWith('SQLITE_CONSTRAINT')) throw new ConflictError('There is an operation with this id already', 'operation-exists')
    throw error
  }
}

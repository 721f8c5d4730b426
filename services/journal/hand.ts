import { DomainError } from '../errors.ts'
import { anyRemoteMount } from '../files/mount-kind.ts'
import type { Logger } from '../logger.ts'
import { startWorker } from '../workers/start-worker.ts'
import type { PlannedUnit } from './actions.ts'
import type { Draft } from './draft.ts'
import { packContents, unpackContents } from './hand-messages.ts'
import type { HandAnswer, HandData, HandTask, Performed, Planned } from './hand-messages.ts'
import type { UnitOutcome } from './perform.ts'
import type { Shop } from './shop.ts'
import type { TrashRoot } from './trash-place.ts'
import type { Unit } from './types.ts'

/**
 * A thread that plans and carries out the units of one operation, one after the other in the order in which they are asked for.
 * Its calls to the disk block, and cost the thread of the requests nothing. What it rejects with says nothing of the files: the
 * operation is settled by the next recovery.
 */
export interface Hand {
  /** As `planUnits`. */
  plan (draft: Draft, units: readonly Unit[]): Promise<PlannedUnit[]>
  /** As `performUnit`; notes in the actions what has become of them. */
  perform (unit: PlannedUnit, shop: Pick<Shop, 'bytes'>): Promise<UnitOutcome>
  dismiss (): void
}

/** A hand for an operation on these paths, null where it is better done without. */
export type Hire = (operation: string, paths: Iterable<string>, units: number) => Promise<Hand | null>

/** Units for which a thread is worth its start. */
const MANY = 32
const PLANNED_AT_ONCE = 32

/** On a network mount many calls must be under way at once, and one that hangs must hold up no thread: there it is done without. */
export function createHire ({ roots, logger }: { roots (): readonly TrashRoot[], logger: Logger }): Hire {
  return async (operation, paths, units) => {
    if (units < MANY || await anyRemoteMount(paths)) return null
    return hireHand({ operation, roots: roots().map(({ path, trash }) => ({ path, ...(trash !== undefined && { trash }) })) }, logger)
  }
}

function hireHand (workerData: HandData, logger: Logger): Hand {
  const worker = startWorker(new URL('./hand.worker', import.meta.url), { workerData })
  worker.unref()
  const waiting = new Map<number, { resolve (outcome: Planned | Performed): void, reject (error: unknown): void }>()
  let asked = 0
  let fault: Error | null = null

  function end (error: Error): void {
    fault ??= error
    for (const { reject } of waiting.values()) reject(fault)
    waiting.clear()
  }

  worker.on('error', end).on('exit', () => { end(new Error('The thread of an operation ended unexpectedly')) })
  worker.on('message', (answer: HandAnswer) => {
    if ('level' in answer) return logger[answer.level](answer.fields, answer.message)
    const asker = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('outcome' in answer) asker?.resolve(answer.outcome)
    else asker?.reject(errorOf(answer.failed))
  })

  async function ask (task: HandTask, transfer: ArrayBuffer[] = []): Promise<Planned | Performed> {
    if (fault !== null) throw fault
    const id = ++asked
    return await new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, task }, transfer)
    })
  }

  return {
    async plan (draft, units) {
      const all: PlannedUnit[] = []
      for (let first = 0; first < units.length; first += PLANNED_AT_ONCE) {
        const { planned, kept, fresh } = await ask({ plan: units.slice(first, first + PLANNED_AT_ONCE), first }) as Planned
        all.push(...planned)
        for (const [sha256, data] of unpackContents(kept)) draft.kept.set(sha256, data)
        for (const [sha256, data] of unpackContents(fresh)) draft.fresh.set(sha256, data)
      }
      return all
    },
    async perform (unit, shop) {
      const contents = packContents(contentsOf(unit, shop))
      const { performed, actions } = await ask({ unit, contents }, contents.map(([, data]) => data.buffer)) as Performed
      if (actions) unit.actions = actions
      return performed
    },
    dismiss () { worker.postMessage(null) }
  }
}

/** Old ones too: a unit that fails takes back what it wrote. */
function contentsOf ({ actions }: PlannedUnit, { bytes }: Pick<Shop, 'bytes'>): Map<string, Buffer> {
  const contents = new Map<string, Buffer>()
  for (const action of actions) {
    if (action.kind !== 'rewrite') continue
    for (const content of [action.old, action.next]) {
      const data = content === null ? undefined : bytes(content.sha256)
      if (content !== null && data !== undefined) contents.set(content.sha256, data)
    }
  }
  return contents
}

function errorOf ({ kind, code, message }: Extract<HandAnswer, { failed: unknown }>['failed']): Error {
  return kind === null ? Object.assign(new Error(message), { code }) : new DomainError(kind, code, message)
}

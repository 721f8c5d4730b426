import { parentPort, workerData } from 'node:worker_threads'
import { DomainError } from '../errors.ts'
import { giveWay } from '../workers/give-way.ts'
import { createDraft } from './draft.ts'
import type { HandAnswer, HandData, HandRequest, HandTask } from './hand-messages.ts'
import { packContents, unpackContents } from './hand-messages.ts'
import { errnoOf } from './disk.ts'
import { performUnit } from './perform.ts'
import { planUnit } from './plan.ts'
import { temporaryName } from './shop.ts'
import type { Shop } from './shop.ts'
import { syncDisk } from './sync-disk.ts'
import { createTrashPlace } from './trash-place.ts'

giveWay()
const { operation, roots } = workerData as HandData
const port = parentPort
const draft = createDraft(syncDisk, operation, createTrashPlace(() => roots))
const say = (level: 'error' | 'warn' | 'info' | 'debug') => (fields: object, message: string): void => { port?.postMessage({ level, fields, message } satisfies HandAnswer) }
const logger = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') }

function shopFor (n: number, contents: ReadonlyMap<string, Buffer>): Shop {
  return {
    disk: syncDisk,
    logger,
    // Whoever asks has opened it.
    openTrash: async () => undefined,
    bytes: (sha256) => contents.get(sha256),
    temporary: (directory) => `${directory}/${temporaryName(operation, n)}`
  }
}

async function work (task: HandTask): Promise<{ outcome: object, transfer?: ArrayBuffer[] }> {
  if ('unit' in task) {
    const { unit } = task
    const outcome = await performUnit(shopFor(unit.n, unpackContents(task.contents)), unit)
    const arrived = unit.actions.some((action) => action.kind === 'relocate' && action.after)
    return { outcome: { performed: outcome, ...(arrived && { actions: unit.actions }) } }
  }
  const planned = []
  for (const [index, unit] of task.plan.entries()) planned.push(await planUnit(draft, unit, task.first + index))
  const [kept, fresh] = [packContents(draft.kept), packContents(draft.fresh)]
  draft.kept.clear()
  draft.fresh.clear()
  return { outcome: { planned, kept, fresh }, transfer: [...kept, ...fresh].map(([, data]) => data.buffer) }
}

/** One after the other: what one unit leaves is what the next one finds. */
let turn = Promise.resolve()
port?.on('message', (request: HandRequest | null) => {
  turn = turn.then(async () => {
    if (request === null) return port.close()
    try {
      const { outcome, transfer = [] } = await work(request.task)
      port.postMessage({ id: request.id, outcome } as HandAnswer, transfer)
    } catch (error) {
      port.postMessage({ id: request.id, failed: failureOf(error) } satisfies HandAnswer)
    }
  })
})

function failureOf (error: unknown): { kind: DomainError['kind'] | null, code: string, message: string } {
  const message = error instanceof Error ? error.message : String(error)
  return error instanceof DomainError ? { kind: error.kind, code: error.code, message } : { kind: null, code: errnoOf(error), message }
}

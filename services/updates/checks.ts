import { ServiceNotReadyError } from '../errors.ts'
import { createSlices } from '../jobs/slices.ts'
import { throwAtShutdown } from '../jobs/job-run.ts'
import type { Job, JobContext, JobSystem } from '../jobs/types.ts'
import { eachModel } from '../models/each-model.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { untilOpened } from '../models/until-opened.ts'
import type { ProgressHub } from '../progress/types.ts'
import { runCheck, type CheckEnd, type CheckRunDeps } from './check-run.ts'
import type { RecordState } from './store.ts'
import type { CheckScope, UpdateRecord } from './types.ts'

/** What came of a check, as its job keeps it. */
export interface CheckResult { status: CheckEnd['kind'], checked: number, failed: number, models: number }

export interface ChecksDeps extends CheckRunDeps {
  libraryOf: (type: ModelTypeName) => ModelLibrary
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast'>
  hasUpdate: (record: UpdateRecord) => boolean
  states: () => Promise<ReadonlyMap<number, RecordState>>
  now: () => number
}

const KIND = 'update-check'
const DAY_S = 24 * 60 * 60

/** Whether CivitAI is to be asked again without being told to. */
export function isDue (record: RecordState | undefined, now: number): boolean {
  if (!record) return true
  if (record.shouldIgnore) return false
  // A time in the future is a clock that was wrong.
  return record.lastCheckedAt === null || Math.abs(now / 1000 - record.lastCheckedAt) >= DAY_S
}

/** Checks of many models as jobs; equal ones are one. */
export function createChecks (deps: ChecksDeps) {
  const { jobs, hub, keeper } = deps
  jobs.define<CheckScope, CheckResult>({
    kind: KIND,
    title: ({ type }) => `Check ${type}s for newer versions`,
    exclusiveKey: ({ type, modelIds, folder, force }) => `${KIND}:${JSON.stringify([type, modelIds, folder, force])}`,
    // Records that were written a short while ago are not asked for again.
    resumable: true,
    run: check
  })

  /** CivitAI models of the scope, in the order of the library. */
  async function scopeOf ({ type, modelIds, folder }: CheckScope): Promise<number[]> {
    const library = deps.libraryOf(type)
    if (!library.opened) throw new ServiceNotReadyError()
    const wanted = modelIds && new Set(modelIds)
    const found = new Set<number>()
    await eachModel(library.index, ({ civitai, folder: place }) => {
      if (civitai?.modelId === undefined || civitai.id === undefined || (wanted && !wanted.has(civitai.modelId))) return
      if (folder === null || place === folder || place.startsWith(`${folder}/`)) found.add(civitai.modelId)
    }, { excluded: true })
    return [...found]
  }

  async function check (scope: CheckScope, context: JobContext): Promise<CheckResult> {
    const { type, force } = scope
    await untilOpened([deps.libraryOf(type)], context.signal)
    const models = await scopeOf(scope)
    const states = force ? null : await deps.states()
    const due = models.filter((id) => states === null || isDue(states.get(id), deps.now()))
    const counted = { processed: 0, failed: 0 }
    const send = (status: string, further: Record<string, unknown> = {}): void => {
      hub.broadcast('fetch', { type: 'model_updates_progress', model_type: type, job_id: context.id, status, total: due.length, processed: counted.processed, ...further }, { key: `model_updates_progress:${type}`, coalesce: status === 'processing' })
    }
    send('started')
    const end = await runCheck(deps, due, {
      type,
      signal: context.signal,
      checkpoint: context.checkpoint,
      onStep ({ modelId, error }) {
        counted.processed++
        if (error !== undefined) {
          counted.failed++
          context.recordFailure(`Model ${modelId}`, error)
        }
        context.report({ done: counted.processed, total: due.length, unit: 'models' })
        send('processing')
      }
    }).catch((error: unknown) => {
      send('error', { error: 'The check ended with a failure' })
      throw error
    })
    throwAtShutdown(context.signal)
    finish(end, send)
    return { status: end.kind, checked: counted.processed - counted.failed, failed: counted.failed, models: models.length }
  }

  /** A dialog that waits for an end gets one that it knows. @throws DomainError when the run was given up */
  function finish (end: CheckEnd, send: (status: string, further?: Record<string, unknown>) => void): void {
    if (end.kind !== 'given-up') return send(end.kind)
    send('error', { error: end.error.message })
    throw end.error
  }

  return {
    start: (scope: CheckScope): Job => jobs.start(KIND, scope),
    /** Those of the scope that have an update now. */
    async updatesIn (scope: CheckScope): Promise<UpdateRecord[]> {
      const found: UpdateRecord[] = []
      const slice = createSlices()
      for (const id of await scopeOf(scope)) {
        const record = keeper.stored(scope.type, id)
        if (record && deps.hasUpdate(record)) found.push(record)
        await slice()
      }
      return found
    }
  }
}

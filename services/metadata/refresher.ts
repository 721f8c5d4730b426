import { DomainError, ServiceNotReadyError } from '../errors.ts'
import { describeFailure } from '../journal/errors.ts'
import { throwAtShutdown } from '../jobs/job-run.ts'
import type { Job, JobContext, JobSystem } from '../jobs/types.ts'
import type { ModelType, ModelTypeName } from '../models/types.ts'
import { untilOpened } from '../models/until-opened.ts'
import type { ProgressHub } from '../progress/types.ts'
import { findCandidates, type CandidateDeps } from './candidates.ts'
import { createRefreshFrames, refreshKey, type RefreshCounts, type RefreshFailure } from './refresh-frames.ts'
import { runRefresh, type Metadata, type RefreshDeps, type RefreshEnd } from './refresh-run.ts'

export interface RefreshAnswer extends Omit<RefreshCounts, 'handled' | 'success'> {
  success: boolean
  message: string
  updated: number
  failures: RefreshFailure[]
}

/** Asks for the metadata of all models of a type that have none: one run at a time for each type. */
export interface Refresher {
  /** Runs as a job and waits for its end; the job goes on when nobody waits any more. @throws DomainError `metadata-refresh-running` with the running one's last frame in `fields.snapshot` */
  run (type: ModelTypeName): Promise<RefreshAnswer>
  /** Cancels the run of this type, if there is one. */
  cancel (type: ModelTypeName): void
}

export interface RefresherDeps extends RefreshDeps, Pick<CandidateDeps, 'settings'> {
  metadataOf: (type: ModelTypeName) => Metadata
  types: readonly ModelType[]
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast' | 'snapshot'>
  now: () => number
}

const KIND = 'metadata-refresh'

export function createRefresher (deps: RefresherDeps): Refresher {
  const { jobs, hub, now } = deps
  const running = new Map<ModelTypeName, string>()

  jobs.define<{ type: ModelTypeName }, RefreshAnswer>({
    kind: KIND,
    title: ({ type }) => `Fetch metadata of ${type}s`,
    exclusiveKey: ({ type }) => `${KIND}:${type}`,
    // What was merged is no candidate any more, and who was not found is not asked for again.
    resumable: true,
    run: async ({ type }, context) => {
      running.set(type, context.id)
      try {
        const answer = await refresh(type, context)
        throwAtShutdown(context.signal)
        return answer
      } finally {
        if (running.get(type) === context.id) running.delete(type)
      }
    }
  })

  async function refresh (type: ModelTypeName, context: JobContext): Promise<RefreshAnswer> {
    const metadata = deps.metadataOf(type)
    const { library } = metadata.sync
    await untilOpened([library], context.signal)
    const { hashed, unhashed, total } = await findCandidates(library, deps)
    const candidates = [...hashed.map((path) => ({ metadata, path, hashed: true })), ...unhashed.map((path) => ({ metadata, path, hashed: false }))]
    const frames = createRefreshFrames(hub, type, { total, skipped: total - candidates.length, now })
    frames.started()
    try {
      const end = await runRefresh(deps, candidates, {
        signal: context.signal,
        checkpoint: context.checkpoint,
        route: 'fetch-all-civitai',
        onStep (step) {
          frames.step(step)
          if (step.kind === 'failed') context.recordFailure(step.name, step.error)
          const { processed, skipped_count: skipped } = frames.counts()
          context.report({ done: processed + skipped, total, unit: 'models' })
        }
      })
      if (end === 'offline') throw new DomainError('unavailable', 'offline', 'The providers of metadata can\'t be reached: offline. What is missing can be fetched later')
      frames.ended(end)
      return answerOf(end, frames.counts(), frames.failures())
    } catch (error) {
      frames.failed(describeFailure(error).message)
      throw error
    } finally {
      if (frames.counts().success > 0) hub.broadcast('fetch', { type: 'models_changed' })
    }
  }

  function start (type: ModelTypeName): Job {
    if (!deps.metadataOf(type).sync.library.opened) throw new ServiceNotReadyError()
    if (running.has(type)) throw new DomainError('conflict', 'metadata-refresh-running', 'Metadata of this type is being fetched already', { snapshot: hub.snapshot('fetch', refreshKey(type)) ?? null })
    const job = jobs.start(KIND, { type })
    running.set(type, job.id)
    const release = (): void => { if (running.get(type) === job.id) running.delete(type) }
    jobs.finished(job.id).then(release, release)
    return job
  }

  return {
    async run (type) {
      const ended = await jobs.finished(start(type).id)
      if (ended.state === 'failed') throw new DomainError(ended.error?.code === 'offline' ? 'unavailable' : 'failed', ended.error?.code ?? 'failed', ended.error?.message ?? 'The metadata could not be fetched')
      return (ended.result ?? answerOf('cancelled', NONE, [])) as RefreshAnswer
    },
    cancel (type) {
      const id = running.get(type)
      const job = id === undefined ? undefined : jobs.get(id)
      if (job && ['queued', 'running', 'paused'].includes(job.state)) jobs.cancel(job.id)
    }
  }
}

const NONE: RefreshCounts = { total: 0, processed: 0, success: 0, failure_count: 0, skipped_count: 0, handled: 0, elapsed_seconds: 0 }

const messages: Record<Exclude<RefreshEnd, 'offline'>, (counts: RefreshCounts) => string> = {
  completed: ({ success, processed, total }) => `Successfully updated ${success} of ${processed} processed models (total: ${total})`,
  cancelled: ({ success, processed, total }) => `Operation cancelled. Updated ${success} of ${processed} processed models (total: ${total})`,
  rate_limited: ({ success, processed, total }) => `Rate limited: the provider asks for patience. Updated ${success} of ${processed} processed models (total: ${total})`
}

function answerOf (end: Exclude<RefreshEnd, 'offline'>, { handled, success, ...counts }: RefreshCounts, failures: RefreshFailure[]): RefreshAnswer {
  return { success: end === 'completed', message: messages[end]({ handled, success, ...counts }), updated: success, ...counts, failures }
}

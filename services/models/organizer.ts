import type { StateDatabase } from '../database/types.ts'
import { ConflictError, DomainError, NotFoundError, ServiceNotReadyError } from '../errors.ts'
import { describeFailure } from '../journal/errors.ts'
import type { Journal } from '../journal/types.ts'
import type { Job, JobContext, JobSystem } from '../jobs/types.ts'
import type { Clock } from '../progress/clock.ts'
import { systemClock } from '../progress/clock.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createOrganizeFrames, ORGANIZE_SNAPSHOT } from './organize-frames.ts'
import type { OrganizeFrames } from './organize-frames.ts'
import { findPlanChanges, planOrganize, selectModels } from './organize-plan.ts'
import type { OrganizePlan, OrganizeRequest } from './organize-plan.ts'
import { createOrganizePlanStore } from './organize-plan-store.ts'
import type { StoredPlan } from './organize-plan-store.ts'
import { answerOf } from './organize-answer.ts'
import type { OrganizeAnswer } from './organize-answer.ts'
import { carryOutPlan } from './organize-run.ts'
import type { OrganizeOutcome } from './organize-run.ts'
import type { ModelLibrary } from './ports.ts'
import type { ModelTypeName } from './types.ts'

export interface OrganizerDeps {
  libraries: readonly ModelLibrary[]
  settings: Pick<SettingsManager, 'get'>
  journal: Journal
  jobs: JobSystem
  hub: Pick<ProgressHub, 'publish' | 'broadcast' | 'snapshot'>
  state: StateDatabase
  clock?: Clock
}

/** Sorts models into the folders of the user's templates: at once, or as a plan to look at first. One run at a time over all types. */
export interface Organizer {
  /** Runs as a job and waits for its end. @throws ConflictError `organize-running` before anything happens */
  run (type: ModelTypeName, request: OrganizeRequest): Promise<OrganizeAnswer>
  /** Makes and keeps a plan; changes nothing on the disk. */
  plan (type: ModelTypeName, request: OrganizeRequest): Promise<StoredPlan>
  /** @throws NotFoundError */
  find (id: string): StoredPlan
  /** Starts the job that carries a plan out. @throws ConflictError `plan-outdated` with `fields.changed`, `plan-applied`, `organize-running` */
  apply (id: string): Promise<Job>
  /** Cancels the run of this type, if there is one. */
  cancel (type: ModelTypeName): void
  /** The last frame of the last run. */
  progress (): Record<string, unknown> | undefined
}

interface JobInput { type: ModelTypeName, file_paths: readonly string[] | null, exclusions: readonly string[] | null, plan: string | null }

/** What runs now; `job` is null for the moment between the check and the start. */
interface Run { job: string | null, type: ModelTypeName, begun: boolean, answer: () => OrganizeAnswer | null }

const KIND = 'organize'
/** A cancel is told within a second, also while a large file is still being copied. */
const TELL_CANCEL_MS = 800

export function createOrganizer ({ libraries, settings, journal, jobs, hub, state, clock = systemClock }: OrganizerDeps): Organizer {
  const plans = createOrganizePlanStore(state, clock)
  let current: Run | null = null

  jobs.define<JobInput, OrganizeAnswer>({
    kind: KIND,
    title: ({ type }) => `Organize ${type}s`,
    run: async (input, context) => {
      if (current !== null && current.job !== context.id) throw running()
      const run: Run = current ?? { job: context.id, type: input.type, begun: true, answer: () => null }
      run.begun = true
      current = run
      try {
        return await organize(input, context, run)
      } finally {
        release(run)
      }
    }
  })

  function running (): ConflictError {
    return new ConflictError('Auto-organize is already running', 'organize-running')
  }

  function release (run: Run): void {
    if (current === run) current = null
  }

  function libraryOf (type: ModelTypeName): ModelLibrary {
    const library = libraries.find((one) => one.type.name === type)
    if (!library?.opened) throw new ServiceNotReadyError()
    return library
  }

  function start (input: JobInput): { job: Job, run: Run } {
    if (current !== null) throw running()
    const run: Run = { job: null, type: input.type, begun: false, answer: () => null }
    current = run
    try {
      const job = jobs.start(KIND, input)
      run.job = job.id
      // a job that is cancelled before its turn, or by the end of the process, never runs
      const unless = (): void => { if (!run.begun) release(run) }
      jobs.finished(job.id).then(unless, unless)
      return { job, run }
    } catch (error) {
      release(run)
      throw error
    }
  }

  async function organize (input: JobInput, context: JobContext, run: Run): Promise<OrganizeAnswer> {
    const { signal, report } = context
    const library = libraryOf(input.type)
    const operationType = input.file_paths === null ? 'all' : 'bulk'
    const frames = createOrganizeFrames(hub, operationType, ({ processed, total }) => { report({ done: processed, total, unit: 'models' }) })
    let plan: OrganizePlan | null = input.plan === null ? null : find(input.plan)
    run.answer = () => answerOf(plan, operationType, frames.counts, { status: 'cancelled', operation: null, cleaned: {}, problems: [] })
    const timer = tellCancel(signal, frames)
    try {
      if (library.roots().length === 0) throw new DomainError('unavailable', 'no-roots', 'No model folders are configured')
      const selection = plan === null ? await selectModels({ library, settings }, { filePaths: input.file_paths, exclusions: input.exclusions }) : null
      frames.started(plan?.total ?? (selection?.models.length ?? 0) + (selection?.unknown.length ?? 0))
      plan ??= await planOrganize({ library, settings }, selection ?? { models: [], unknown: [], excluded: [] }, operationType, signal)
      const outcome = await carryOutPlan({ library, journal, hub }, plan, { frames, signal, recordFailure: context.recordFailure })
      if (input.plan !== null) plans.done(input.plan, outcome.operation)
      return conclude(plan, operationType, frames, outcome)
    } catch (error) {
      if (signal.aborted) return conclude(plan, operationType, frames, { status: 'cancelled', operation: null, cleaned: {}, problems: [] })
      frames.failed(describeFailure(error).message)
      throw error
    } finally {
      timer.stop()
    }
  }

  function conclude (plan: OrganizePlan | null, operationType: 'all' | 'bulk', frames: OrganizeFrames, outcome: OrganizeOutcome): OrganizeAnswer {
    if (outcome.operation === null) hub.broadcast('fetch', { type: 'models_changed' })
    if (outcome.status === 'cancelled') frames.cancelled()
    else frames.completed(outcome.cleaned)
    return answerOf(plan, operationType, frames.counts, outcome)
  }

  function find (id: string): StoredPlan {
    const plan = plans.find(id)
    if (!plan) throw new NotFoundError('There is no such plan', 'plan-not-found')
    return plan
  }

  return {
    async run (type, { filePaths, exclusions }) {
      const library = libraryOf(type)
      // before a job is made of it, so that a path outside is the request's fault
      for (const path of filePaths ?? []) library.contain(path)
      const { job, run } = start({ type, file_paths: filePaths, exclusions, plan: null })
      const ended = await jobs.finished(job.id)
      if (ended.state === 'failed') throw new Error(ended.error?.message ?? 'The models could not be organized')
      return (ended.result ?? run.answer() ?? answerOf(null, filePaths === null ? 'all' : 'bulk', EMPTY, CANCELLED)) as OrganizeAnswer
    },
    async plan (type, request) {
      const library = libraryOf(type)
      const operationType = request.filePaths === null ? 'all' : 'bulk'
      return plans.add(await planOrganize({ library, settings }, await selectModels({ library, settings }, request), operationType))
    },
    find,
    async apply (id) {
      const plan = find(id)
      libraryOf(plan.model_type)
      if (plan.state !== 'ready') throw new ConflictError('The plan has been applied already', 'plan-applied')
      if (current !== null) throw running()
      const changed = await findPlanChanges(plan.moves)
      if (changed.length > 0) throw new DomainError('conflict', 'plan-outdated', 'The files have changed since the plan was made', { changed })
      const { job } = start({ type: plan.model_type, file_paths: plan.operation_type === 'bulk' ? [] : null, exclusions: null, plan: id })
      plans.apply(id, job.id)
      return job
    },
    cancel (type) {
      if (current?.job == null || current.type !== type) return
      const job = jobs.get(current.job)
      if (job && ['queued', 'running', 'paused'].includes(job.state)) jobs.cancel(job.id)
    },
    progress: () => hub.snapshot('fetch', ORGANIZE_SNAPSHOT)
  }
}

const EMPTY = { total: 0, processed: 0, success: 0, failures: 0, skipped: 0 }
const CANCELLED: OrganizeOutcome = { status: 'cancelled', operation: null, cleaned: {}, problems: [] }

function tellCancel (signal: AbortSignal, frames: OrganizeFrames): { stop (): void } {
  let timer: NodeJS.Timeout | undefined
  const arm = (): void => { timer = setTimeout(() => { frames.cancelled() }, TELL_CANCEL_MS).unref() }
  signal.addEventListener('abort', arm, { once: true })
  return {
    stop () {
      signal.removeEventListener('abort', arm)
      clearTimeout(timer)
    }
  }
}

import { EventEmitter, once } from 'node:events'
import { ConflictError, DomainError, InvalidInputError, NotFoundError } from '../errors.ts'
import { type Clock, isoTime, systemClock } from '../progress/clock.ts'
import { copyJob as copy, finishedStates, newJob, progressAfter } from './job-record.ts'
import { failureText } from './failure-text.ts'
import { createJobStore } from './job-store.ts'
import { startJobRun, type JobRun, type RunOutcome } from './job-run.ts'
import { createLiveJobs, type LiveJob } from './live-jobs.ts'
import type { Logger } from '../logger.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { StateDatabase } from '../database/types.ts'
import type { Job, JobDefinition, JobState, JobSystem } from './types.ts'

export interface JobSystemDeps {
  state: StateDatabase
  hub: Pick<ProgressHub, 'publish'>
  clock?: Clock
  logger: Pick<Logger, 'error' | 'warn'>
}

const unknownJob = (): NotFoundError => new NotFoundError('There is no such job', 'job-not-found')
const stoppingServer = (): DomainError => new DomainError('unavailable', 'shutting-down', 'The server is stopping')
const FAILURES_KEPT = 1000
const SAVE_EVERY_MS = 1000
const SHUTDOWN_MS = 3000

export function createJobSystem ({ state, hub, clock = systemClock, logger }: JobSystemDeps): JobSystem {
  const store = createJobStore(state)
  const definitions = new Map<string, JobDefinition>()
  const live = createLiveJobs()
  /** Says each job's id when it has ended, with the job; without one when the server stops before. */
  const ended = new EventEmitter().setMaxListeners(0)
  let closing = false
  const now = (): number => clock.monotonic?.() ?? clock.now()
  const noted = ({ id }: Job) => (error: unknown): void => { logger.error({ err: error, job: id }, 'a job could not be brought forward') }

  function definitionOf (kind: string): JobDefinition {
    const definition = definitions.get(kind)
    if (!definition) throw new NotFoundError(`There is no kind of job "${kind}"`, 'job-kind-unknown')
    return definition
  }

  function save (entry: LiveJob): void {
    entry.savedAt = now()
    store.save(entry.job)
  }

  function saveProgress (entry: LiveJob): void {
    entry.savedAt = now()
    store.saveProgress(entry.job)
  }

  function publishProgress ({ job }: LiveJob): void {
    hub.publish('job.progress', { id: job.id, kind: job.kind, state: job.state, progress: { ...job.progress } }, { job: job.id })
  }

  function change (entry: LiveJob, next: JobState): Job {
    entry.job.state = next
    save(entry)
    publishProgress(entry)
    return copy(entry.job)
  }

  function launch (entry: LiveJob): void {
    const { job } = entry
    job.started_at ??= isoTime(clock)
    job.state = 'running'
    save(entry)
    const run = startJobRun(entry.definition, job.id, entry.input, {
      report: (progress) => {
        // Work that goes on after its time of grace has nothing to say any more.
        if (!live.has(job.id)) return
        entry.rate.sample(now(), progress.done)
        job.progress = progressAfter(job.progress, progress, entry.rate)
        if (now() - entry.savedAt >= SAVE_EVERY_MS) saveProgress(entry)
        publishProgress(entry)
      },
      recordFailure: (item, error) => {
        if (job.failures.length < FAILURES_KEPT) job.failures.push({ item, error: failureText(error).message })
      }
    })
    entry.run = run
    run.ended.then((outcome) => { end(entry, run, outcome) }).catch(noted(job))
    run.settled.finally(() => { live.release(entry) }).catch(noted(job))
  }

  function end (entry: LiveJob, run: JobRun, outcome: RunOutcome): void {
    const { job } = entry
    // A job that the shutdown stopped keeps its row as it is: the next start goes on with it or says it was interrupted.
    if (!live.has(job.id) || (run.stopping === 'shutdown' && !outcome.ok)) return
    if (outcome.ok) job.result = outcome.result ?? null
    if (run.stopping === 'cancelled') {
      finish(entry, 'cancelled')
    } else if (outcome.ok) {
      finish(entry, 'succeeded')
    } else {
      job.error = failureText(outcome.error)
      // What the world did is told in a line; only faults of ours are worth a stack.
      if (outcome.error instanceof DomainError) logger.warn({ job: job.id, kind: job.kind, code: job.error.code, reason: job.error.message }, 'a job came to nothing')
      else logger.error({ err: outcome.error, job: job.id, kind: job.kind }, 'a job failed')
      finish(entry, 'failed')
    }
  }

  function finish (entry: LiveJob, final: JobState): void {
    const { job } = entry
    job.state = final
    job.finished_at = isoTime(clock)
    job.progress.eta_seconds = null
    live.forget(job.id)
    save(entry)
    hub.publish('job.finished', { id: job.id, kind: job.kind, state: final }, { job: job.id })
    ended.emit(job.id, copy(job))
  }

  /** After the caller has had its answer, since starting work must not delay a request, and after the job that still stops. */
  function launchSoon (entry: LiveJob, predecessor?: LiveJob): void {
    const begin = (): void => {
      if (!closing && entry.job.state === 'queued' && live.has(entry.job.id)) launch(entry)
    }
    setImmediate(() => {
      if (!predecessor?.run) return begin()
      predecessor.run.settled.then(begin).catch(noted(entry.job))
    })
  }

  function require (id: string): Job {
    const job = system.get(id)
    if (!job) throw unknownJob()
    return job
  }

  function requireLive (id: string, ...allowed: JobState[]): LiveJob {
    const entry = live.get(id)
    const current = entry?.job.state ?? require(id).state
    if (!entry || !allowed.includes(current)) throw new ConflictError(`The job is ${current}`, 'job-state')
    return entry
  }

  const system: JobSystem = {
    define (definition) {
      definitions.set(definition.kind, definition as unknown as JobDefinition)
    },
    start (kind, input) {
      const definition = definitionOf(kind)
      if (closing) throw stoppingServer()
      const holder = live.holderOf(definition.exclusiveKey?.(input))
      if (holder && live.has(holder.job.id) && !holder.run?.stopping) return copy(holder.job)
      const job = newJob(kind, definition.title(input), isoTime(clock))
      store.insert(job, input)
      const entry = live.adopt(job, input, definition, now())
      hub.publish('job.created', { id: job.id, kind, title: job.title, state: job.state }, { job: job.id })
      launchSoon(entry, holder)
      return copy(job)
    },
    get (id) {
      const entry = live.get(id)
      return entry ? copy(entry.job) : store.read(id)?.job
    },
    list ({ limit, after, state: wanted }) {
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw new InvalidInputError('"after" is not a position in this list')
      const rows = store.page({ limit: limit + 1, before: after === undefined ? undefined : Number(after), state: wanted })
      const shown = rows.slice(0, limit)
      return { items: shown.map(({ job }) => copy(live.get(job.id)?.job ?? job)), next: rows.length > limit ? String(shown.at(-1)?.seq ?? 0) : null }
    },
    pause (id) {
      const entry = requireLive(id, 'queued', 'running')
      entry.run?.pause()
      return change(entry, 'paused')
    },
    resume (id) {
      const entry = requireLive(id, 'paused')
      entry.rate.reset()
      if (entry.run) entry.run.resume()
      else launchSoon(entry)
      return change(entry, entry.run ? 'running' : 'queued')
    },
    cancel (id) {
      // Whatever runs is being stopped already, and goes on at the next start where it can.
      if (closing) return require(id)
      const entry = requireLive(id, 'queued', 'running', 'paused')
      if (entry.run) {
        entry.run.stop('cancelled')
      } else {
        finish(entry, 'cancelled')
        live.release(entry)
      }
      return copy(entry.job)
    },
    retryFailed (id) {
      const stored = store.read(id)
      if (!stored) throw unknownJob()
      const { job, input } = stored
      if (!finishedStates.has(job.state)) throw new ConflictError(`The job is ${job.state}`, 'job-state')
      if (job.state === 'succeeded' && job.failures.length === 0) throw new ConflictError('Nothing of this job failed', 'job-state')
      const definition = definitionOf(job.kind)
      return system.start(job.kind, definition.retryInput && job.failures.length > 0 ? definition.retryInput(input, job.failures) : input)
    },
    prune: () => store.prune(),
    counts: () => store.counts(),
    async finished (id) {
      if (!live.has(id)) return require(id)
      const [job] = await once(ended, id) as [Job | undefined]
      if (!job) throw stoppingServer()
      return job
    },
    recover () {
      for (const { job, input } of store.unfinished()) {
        if (live.has(job.id)) continue
        const definition = definitions.get(job.kind)
        const key = definition?.exclusiveKey?.(input)
        if (!definition?.resumable || live.holderOf(key)) {
          store.save({ ...job, state: 'failed', finished_at: isoTime(clock), error: { code: 'interrupted', message: 'The server stopped while the job ran' } })
          continue
        }
        const entry = live.adopt({ ...job, failures: [...job.failures] }, input, definition, now())
        if (job.state === 'paused') continue
        entry.job.state = 'queued'
        save(entry)
        launchSoon(entry)
      }
    },
    async close () {
      if (closing) return
      closing = true
      const entries = live.all()
      for (const { run } of entries) run?.stop('shutdown')
      let timer: NodeJS.Timeout | undefined
      const deadline = new Promise((resolve) => { timer = setTimeout(resolve, SHUTDOWN_MS) })
      await Promise.race([Promise.all(entries.map(({ run }) => run?.settled)), deadline])
      clearTimeout(timer)
      for (const entry of entries) if (live.has(entry.job.id)) save(entry)
      live.clear()
      for (const { job } of entries) ended.emit(job.id)
    }
  }
  return system
}

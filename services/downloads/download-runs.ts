import { setTimeout as delay } from 'node:timers/promises'
import { DomainError } from '../errors.ts'
import { JobStopped } from '../jobs/job-run.ts'
import type { JobContext, JobSystem } from '../jobs/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { ClientQueueNotes } from './client-queue-notes.ts'
import { unexpected } from './download-errors.ts'
import type { DownloadStore } from './download-store.ts'
import { createLiveProgress, type LiveProgress } from './live-progress.ts'
import type { RunContext } from './run-download.ts'
import type { TransferSlots } from './transfer-slots.ts'
import type { DownloadError, DownloadRecord, DownloadRequest, DownloadResult, FinishedDownload } from './types.ts'

export interface DownloadRunsDeps {
  store: DownloadStore
  notes: ClientQueueNotes
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast'>
  slots: TransferSlots
  run (request: DownloadRequest, context: RunContext): Promise<{ result: DownloadResult, finished: readonly FinishedDownload[] }>
  /** Milliseconds between two looks at a full disk. */
  roomMs?: number | undefined
  /** Told of every model that was loaded, after it is in the library. */
  finished (finished: FinishedDownload): void
}

/** A download whose work is under way in this process. */
export interface LiveDownload { progress: LiveProgress, intent: 'cancel' | 'skip' | null, ended: Promise<unknown> }

export interface Outcome { result?: DownloadResult, error?: DownloadError }

/** What runs, and the worker that starts what waits in our queue. */
export interface DownloadRuns {
  readonly live: ReadonlyMap<string, LiveDownload>
  isActive (job: string | null): boolean
  /** The last word on a download: in its record, in the list of clients and to whoever listens. */
  end (id: string, state: 'succeeded' | 'skipped' | 'failed' | 'cancelled', outcome: Outcome, progress?: LiveProgress): void
  /** Gives the worker what waits, as long as it has hands. */
  pump (): void
  /** From now on nothing more begins. */
  stopTaking (): void
}

export const DOWNLOAD_JOB = 'download'
/** Downloads of our queue that run at once. */
const WORKERS = 3
const ROOM_MS = 10_000
const activeJobs = new Set(['queued', 'running', 'paused'])

export function createDownloadRuns (deps: DownloadRunsDeps): DownloadRuns {
  const { store, notes, jobs, hub, slots, roomMs = ROOM_MS } = deps
  const live = new Map<string, LiveDownload>()
  let taking = true

  jobs.define<DownloadRequest, DownloadResult>({
    kind: DOWNLOAD_JOB,
    title: (request) => titleOf(request),
    resumable: true,
    run
  })

  async function run (request: DownloadRequest, job: JobContext): Promise<DownloadResult> {
    const { download_id: id } = request
    const before = store.find(id) ?? store.insert(request, 'client', titleOf(request))
    const progress = createLiveProgress(id, hub)
    const work = perform(request, job, progress, before)
    const mine: LiveDownload = { progress, intent: null, ended: work.catch(() => undefined) }
    live.set(id, mine)
    try {
      return await work
    } finally {
      if (live.get(id) === mine) live.delete(id)
      if (before.origin === 'queue') pump()
    }
  }

  async function perform (request: DownloadRequest, job: JobContext, progress: LiveProgress, before: DownloadRecord): Promise<DownloadResult> {
    const { download_id: id } = request
    store.assign(id, job.id)
    store.start(id)
    // What the run of an earlier process began is gone on with under the same job.
    const resumed = before.state === 'running' && before.job === job.id && before.started_at !== null
    let release: (() => void) | undefined
    try {
      progress.stage(0)
      release = await slots.take(request.provider, job.signal, () => { notes.waiting(id) })
      notes.started(id)
      const { result, finished } = await deps.run(request, contextOf(id, job, progress, resumed))
      end(id, result.skipped ? 'skipped' : 'succeeded', { result }, progress)
      for (const model of finished) deps.finished(model)
      return result
    } catch (error) {
      failed(id, error, job.signal, progress)
      throw error
    } finally {
      release?.()
    }
  }

  function contextOf (id: string, job: JobContext, progress: LiveProgress, resumed: boolean): RunContext {
    return {
      signal: job.signal,
      live: progress,
      resumed,
      keepsPart: () => live.get(id)?.intent !== 'cancel' && !cancelledElsewhere(id, job),
      onTitle (title) { store.name(id, title) },
      onBytes (done, total) {
        job.report({ done, total, unit: 'bytes' })
        notes.progressed(id, progress)
      },
      noRoom: async (error, hasRoom) => {
        store.hold(id, errorOf(error))
        if (jobs.get(job.id)?.state === 'running') jobs.pause(job.id)
        progress.paused(error.message)
        notes.paused(id)
        await untilRoom(job, hasRoom)
        store.hold(id, null)
        progress.resumed()
        notes.resumed(id)
      },
      async gate () {
        if (jobs.get(job.id)?.state === 'paused') progress.paused()
        await job.checkpoint()
        progress.resumed()
      }
    }
  }

  /** The pause ends when there is room again, or when somebody wants it to be tried. */
  async function untilRoom (job: JobContext, hasRoom: () => Promise<boolean>): Promise<void> {
    const over = new AbortController()
    const looking = (async () => {
      while (true) {
        await delay(roomMs, undefined, { signal: over.signal })
        if (await hasRoom() && jobs.get(job.id)?.state === 'paused') return jobs.resume(job.id)
      }
    })()
    // A disk that can not be asked leaves it to the user.
    looking.catch(() => undefined)
    try {
      await job.checkpoint()
    } finally {
      over.abort()
    }
  }

  /** By the list of jobs, which knows nothing of keeping. */
  function cancelledElsewhere (id: string, { signal }: JobContext): boolean {
    return live.get(id)?.intent === null && signal.reason instanceof JobStopped && signal.reason.reason === 'cancelled'
  }

  function failed (id: string, error: unknown, signal: AbortSignal, progress: LiveProgress): void {
    if (!signal.aborted) return end(id, 'failed', { error: errorOf(error) }, progress)
    // The next start goes on with what the end of the server stopped.
    if (signal.reason instanceof JobStopped && signal.reason.reason === 'shutdown') return
    end(id, live.get(id)?.intent === 'skip' ? 'skipped' : 'cancelled', {}, progress)
  }

  function end (id: string, state: 'succeeded' | 'skipped' | 'failed' | 'cancelled', outcome: Outcome, progress?: LiveProgress): void {
    store.finish(id, state, outcome)
    const record = store.find(id)
    if (record) notes.ended(record, progress)
    const told = progress ?? createLiveProgress(id, hub)
    if (state === 'succeeded') {
      told.stage(100)
      told.ended('completed', {})
    } else {
      const message = outcome.result?.skipped?.message ?? (state === 'failed' ? undefined : `Download ${state} by user`)
      told.ended(state, { ...(message !== undefined && { message }), ...(outcome.error && { error: outcome.error.message }) })
    }
  }

  const isActive = (job: string | null): boolean => job !== null && activeJobs.has(jobs.get(job)?.state ?? '')

  function pump (): void {
    if (!taking) return
    const running = store.unfinished().filter(({ origin, job }) => origin === 'queue' && isActive(job)).length
    for (const { id, request } of store.waiting(Math.max(0, WORKERS - running))) store.assign(id, jobs.start(DOWNLOAD_JOB, request).id)
  }

  return { live, isActive, end, pump, stopTaking () { taking = false } }
}

/** For people, until it is known what the version is called. */
export function titleOf ({ provider, repo, filename, model_id: model, model_version_id: version }: DownloadRequest): string {
  if (provider === 'huggingface') return `${repo} – ${filename}`
  return version === null ? `CivitAI model ${model}` : `CivitAI version ${version}`
}

function errorOf (error: unknown): DownloadError {
  return error instanceof DomainError ? { kind: error.kind, code: error.code, message: error.message } : unexpected
}

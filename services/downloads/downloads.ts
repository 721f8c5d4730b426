import { setTimeout as delay } from 'node:timers/promises'
import { ConflictError, DomainError, NotFoundError } from '../errors.ts'
import { JobStopped } from '../jobs/job-run.ts'
import type { JobContext, JobSystem } from '../jobs/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import { createClientQueueNotes } from './client-queue-notes.ts'
import type { ClientQueue } from './client-queue.ts'
import type { DownloadStore } from './download-store.ts'
import { createLiveProgress, type LiveProgress } from './live-progress.ts'
import type { Downloads } from './ports.ts'
import type { RunContext } from './run-download.ts'
import { foundVersions } from './scan-marks.ts'
import type { TransferSlots } from './transfer-slots.ts'
import type { DownloadError, DownloadRecord, DownloadRequest, DownloadResult, DownloadView, FinishedDownload } from './types.ts'
import type { VersionHistory } from './version-history.ts'
import type { ModelLibrary } from '../models/ports.ts'

export interface DownloadsDeps {
  store: DownloadStore
  history: VersionHistory
  queue: ClientQueue
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast' | 'forgetSnapshot'>
  slots: TransferSlots
  libraries: readonly ModelLibrary[]
  libraryName (): string
  run (request: DownloadRequest, context: RunContext): Promise<{ result: DownloadResult, finished?: FinishedDownload }>
  warn (message: string, error: unknown): void
}

/** A download whose work is under way in this process. */
interface Live { progress: LiveProgress, intent: 'cancel' | 'skip' | null, ended: Promise<unknown> }

export const DOWNLOAD_JOB = 'download'
/** Downloads of our queue that run at once. */
const WORKERS = 3
const MOST_WAITING = 10_000
const MOST_STARTED = 500
const STOP_MS = 2000
const activeJobs = new Set(['queued', 'running', 'paused'])

export function createDownloads (deps: DownloadsDeps): Downloads {
  const { store, history, queue, jobs, hub, slots, warn } = deps
  const notes = createClientQueueNotes(queue, warn)
  const live = new Map<string, Live>()
  const listeners = new Set<(finished: FinishedDownload) => void | Promise<void>>()
  let closing = false
  let leave: (reason: DomainError) => void = () => undefined
  const leaving = new Promise<never>((_resolve, reject) => { leave = reject })
  leaving.catch(() => undefined)

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
    const mine: Live = { progress, intent: null, ended: work.catch(() => undefined) }
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
      close(id, result.skipped ? 'skipped' : 'succeeded', { result }, progress)
      if (finished) tellFinished(finished)
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
      async gate () {
        if (jobs.get(job.id)?.state === 'paused') progress.paused()
        await job.checkpoint()
        progress.resumed()
      }
    }
  }

  /** By the list of jobs, which knows nothing of keeping. */
  function cancelledElsewhere (id: string, { signal }: JobContext): boolean {
    return live.get(id)?.intent === null && signal.reason instanceof JobStopped && signal.reason.reason === 'cancelled'
  }

  function failed (id: string, error: unknown, signal: AbortSignal, progress: LiveProgress): void {
    if (!signal.aborted) return close(id, 'failed', { error: errorOf(error) }, progress)
    // The next start goes on with what the end of the server stopped.
    if (signal.reason instanceof JobStopped && signal.reason.reason === 'shutdown') return
    close(id, live.get(id)?.intent === 'skip' ? 'skipped' : 'cancelled', {}, progress)
  }

  function close (id: string, state: 'succeeded' | 'skipped' | 'failed' | 'cancelled', outcome: { result?: DownloadResult, error?: DownloadError }, progress?: LiveProgress): void {
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

  function tellFinished (finished: FinishedDownload): void {
    const { model_type: type, version_id: versionId, model_id: modelId, file_path: filePath, file_id: fileId, file_name: fileName } = finished
    try {
      if (versionId !== null) history.mark({ type, versionId, modelId, filePath, library: deps.libraryName() }, 'download', fileId === null ? undefined : { fileId, fileName })
    } catch (error) {
      warn('the history of downloads could not be written', error)
    }
    for (const listener of listeners) {
      (async () => { await listener(finished) })().catch((error: unknown) => { warn('what follows a download failed', error) })
    }
  }

  /** Gives the worker what waits, as long as it has hands. */
  function pump (): void {
    if (closing) return
    const running = store.unfinished().filter(({ origin, job }) => origin === 'queue' && job !== null && isActive(job)).length
    for (const { id, request } of store.waiting(Math.max(0, WORKERS - running))) store.assign(id, jobs.start(DOWNLOAD_JOB, request).id)
  }

  const isActive = (job: string | null): boolean => job !== null && activeJobs.has(jobs.get(job)?.state ?? '')

  /** The record, in step with a job that was ended where nothing of ours ran. */
  function current (id: string): DownloadRecord | undefined {
    const record = store.find(id)
    if (!record || record.job === null || live.has(id) || !['queued', 'running'].includes(record.state)) return record
    const job = jobs.get(record.job)
    if (job && activeJobs.has(job.state)) return record
    if (job?.state === 'cancelled') close(id, 'cancelled', {})
    else close(id, 'failed', { error: { kind: 'failed', code: job?.error?.code ?? 'interrupted', message: job?.error?.message ?? 'The server stopped while the download ran' } })
    return store.find(id)
  }

  function viewOf (record: DownloadRecord): DownloadView {
    const now = live.get(record.id)?.progress
    const job = record.job === null ? undefined : jobs.get(record.job)
    const state = job && ['queued', 'running'].includes(record.state) && activeJobs.has(job.state) ? job.state as DownloadView['state'] : record.state
    const done = now?.bytes ?? record.result?.bytes ?? job?.progress.done ?? 0
    const total = now?.total ?? (record.result?.bytes || job?.progress.total || null)
    const rate = now?.rate ?? 0
    const eta = rate > 0 && total !== null ? Math.ceil((total - done) / rate) : null
    return { ...record, state, progress: { percent: now?.percent ?? (state === 'succeeded' ? 100 : 0), done, total, unit: 'bytes', rate, eta_seconds: eta } }
  }

  function required (id: string): DownloadRecord {
    const record = current(id)
    if (!record) throw new NotFoundError('There is no such download', 'download-not-found')
    return record
  }

  /** The active download's job. @throws NotFoundError, ConflictError */
  function jobOf (id: string): string {
    const { job, state } = required(id)
    if (job === null || !isActive(job)) throw new ConflictError(`The download is ${state}`, 'download-state')
    return job
  }

  function checkRoom (most: number): void {
    if (store.countWaiting() >= most) throw new DomainError('unavailable', 'too-many-downloads', 'Too many downloads are waiting already')
  }

  const viewFor = (id: string): DownloadView => viewOf(required(id))

  return {
    history,
    queue,
    start (request) {
      const active = current(request.download_id)
      if (active?.job && isActive(active.job)) return active
      if (live.size >= MOST_STARTED) throw new DomainError('unavailable', 'too-many-downloads', 'Too many downloads are waiting already')
      const record = store.insert(request, 'client', titleOf(request))
      const job = jobs.start(DOWNLOAD_JOB, request)
      store.assign(record.id, job.id)
      return { ...record, job: job.id }
    },
    enqueue (request, title) {
      const active = current(request.download_id)
      if (active && ['queued', 'running'].includes(active.state)) return viewOf(active)
      checkRoom(MOST_WAITING)
      store.insert(request, 'queue', title)
      pump()
      return viewFor(request.download_id)
    },
    async finished (id) {
      const { job } = required(id)
      if (job !== null) {
        await Promise.race([jobs.finished(job), leaving])
        await live.get(id)?.ended
      }
      return required(id)
    },
    get (id) {
      const record = current(id)
      return record && viewOf(record)
    },
    list ({ limit, after, state }) {
      const wanted = state === 'paused' ? undefined : state
      const rows = store.page({ limit: limit + 1, before: after === undefined ? undefined : Number(after), state: wanted })
      const items = rows.slice(0, limit).flatMap(({ record }) => viewOf(current(record.id) ?? record)).filter((view) => state === undefined || view.state === state)
      return { items, next: rows.length > limit ? String(rows[limit - 1]?.seq ?? 0) : null }
    },
    async stop (id, { keep }) {
      const record = current(id)
      if (!record || !['queued', 'running'].includes(record.state)) return false
      const running = live.get(id)
      if (running) running.intent = keep ? 'skip' : 'cancel'
      if (record.job !== null && isActive(record.job)) jobs.cancel(record.job)
      if (running) await Promise.race([running.ended, delay(STOP_MS, undefined, { ref: false })])
      else if (store.find(id)?.state !== 'cancelled') close(id, keep ? 'skipped' : 'cancelled', {})
      return true
    },
    pause (id) {
      jobs.pause(jobOf(id))
      live.get(id)?.progress.paused()
      notes.paused(id)
      return viewFor(id)
    },
    resume (id) {
      jobs.resume(jobOf(id))
      live.get(id)?.progress.resumed()
      notes.resumed(id)
      return viewFor(id)
    },
    retry (id) {
      const { state } = required(id)
      if (!['failed', 'cancelled', 'skipped'].includes(state)) throw new ConflictError(`The download is ${state}`, 'download-state')
      checkRoom(MOST_WAITING)
      store.requeue(id)
      pump()
      return viewFor(id)
    },
    onFinished (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
    recover () {
      for (const { id, origin, job } of store.unfinished()) {
        if (isActive(job)) continue
        if (origin === 'queue') store.requeue(id)
        else current(id)
      }
      pump()
    },
    markLibraries: async () => await history.markFound(foundVersions(deps.libraries, deps.libraryName())),
    letGo () {
      closing = true
      leave(new DomainError('unavailable', 'shutting-down', 'The server is stopping; the download goes on at its next start'))
    },
    async close () {
      closing = true
      await Promise.all([...live.values()].map(async ({ ended }) => { await ended }))
      queue.close()
      history.close()
    }
  }
}

function titleOf ({ provider, repo, filename, model_id: model, model_version_id: version }: DownloadRequest): string {
  if (provider === 'huggingface') return `${repo} – ${filename}`
  return version === null ? `CivitAI model ${model}` : `CivitAI version ${version}`
}

function errorOf (error: unknown): DownloadError {
  if (error instanceof DomainError) return { kind: error.kind, code: error.code, message: error.message }
  return { kind: 'failed', code: 'internal-error', message: 'An unexpected failure; the log has its details' }
}

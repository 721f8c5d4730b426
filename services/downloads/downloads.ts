import { setTimeout as delay } from 'node:timers/promises'
import { ConflictError, DomainError } from '../errors.ts'
import type { JobSystem } from '../jobs/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ProgressHub } from '../progress/types.ts'
import { createClientQueueNotes } from './client-queue-notes.ts'
import type { ClientQueue } from './client-queue.ts'
import { DOWNLOAD_JOB, createDownloadRuns, titleOf, type DownloadRunsDeps } from './download-runs.ts'
import type { DownloadStore } from './download-store.ts'
import { createDownloadViews } from './download-views.ts'
import type { Downloads } from './ports.ts'
import { foundVersions } from './scan-marks.ts'
import type { TransferSlots } from './transfer-slots.ts'
import type { FinishedDownload } from './types.ts'
import type { VersionHistory } from './version-history.ts'

export interface DownloadsDeps {
  store: DownloadStore
  history: VersionHistory
  queue: ClientQueue
  jobs: JobSystem
  hub: Pick<ProgressHub, 'broadcast'>
  slots: TransferSlots
  libraries: readonly ModelLibrary[]
  libraryName (): string
  run: DownloadRunsDeps['run']
  /** Removes what a download that does not run has left on the disk. */
  discard (id: string): Promise<void>
  /** Milliseconds between two looks at a full disk. */
  roomMs?: number | undefined
  warn (message: string, error: unknown): void
}

const MOST_WAITING = 10_000
const MOST_STARTED = 500
const STOP_MS = 2000

export function createDownloads (deps: DownloadsDeps): Downloads {
  const { store, history, queue, jobs, hub, slots, warn } = deps
  const notes = createClientQueueNotes(queue, warn)
  const listeners = new Set<(finished: FinishedDownload) => void | Promise<void>>()
  const runs = createDownloadRuns({ store, notes, jobs, hub, slots, run: deps.run, roomMs: deps.roomMs, finished: tellFinished })
  const { live, isActive, end, pump } = runs
  const { current, viewOf, required, viewFor, jobOf } = createDownloadViews({ store, jobs, runs })
  let leave: (reason: DomainError) => void = () => undefined
  const leaving = new Promise<never>((_resolve, reject) => { leave = reject })
  leaving.catch(() => undefined)

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

  function checkRoom (waiting: number, most: number): void {
    if (waiting >= most) throw new DomainError('unavailable', 'too-many-downloads', 'Too many downloads are waiting already')
  }

  return {
    history,
    queue,
    start (request) {
      const active = current(request.download_id)
      if (active?.job && isActive(active.job)) return active
      checkRoom(live.size, MOST_STARTED)
      const record = store.insert(request, 'client', titleOf(request))
      const job = jobs.start(DOWNLOAD_JOB, request)
      store.assign(record.id, job.id)
      return { ...record, job: job.id }
    },
    enqueue (request, title) {
      const active = current(request.download_id)
      if (active && ['queued', 'running'].includes(active.state)) return viewOf(active)
      checkRoom(store.countWaiting(), MOST_WAITING)
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
      if (running) {
        await Promise.race([running.ended, delay(STOP_MS, undefined, { ref: false })])
        return true
      }
      // Paused by an earlier process, or still waiting.
      if (!keep) await deps.discard(id)
      if (store.find(id)?.state !== 'cancelled') end(id, keep ? 'skipped' : 'cancelled', {})
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
      checkRoom(store.countWaiting(), MOST_WAITING)
      store.requeue(id)
      pump()
      return viewFor(id)
    },
    onFinished (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
    recover () {
      for (const { id, origin, job, error } of store.unfinished()) {
        // A full disk held it: whether there is room now, it sees itself.
        if (job !== null && error?.code === 'storage-full' && jobs.get(job)?.state === 'paused') jobs.resume(job)
        if (isActive(job)) continue
        if (origin === 'queue') store.requeue(id)
        else current(id)
      }
      pump()
    },
    markLibraries: async () => await history.markFound(foundVersions(deps.libraries, deps.libraryName())),
    letGo () {
      runs.stopTaking()
      leave(new DomainError('unavailable', 'shutting-down', 'The server is stopping; the download goes on at its next start'))
    },
    async close () {
      runs.stopTaking()
      await Promise.all([...live.values()].map(async ({ ended }) => { await ended }))
      queue.close()
      history.close()
    }
  }
}

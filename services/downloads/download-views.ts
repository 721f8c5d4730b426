import { ConflictError, NotFoundError } from '../errors.ts'
import type { JobSystem } from '../jobs/types.ts'
import type { DownloadRuns } from './download-runs.ts'
import type { DownloadStore } from './download-store.ts'
import type { DownloadRecord, DownloadView } from './types.ts'

export interface DownloadViewsDeps { store: Pick<DownloadStore, 'find'>, jobs: Pick<JobSystem, 'get'>, runs: Pick<DownloadRuns, 'live' | 'isActive' | 'end'> }

/** Downloads as they are now: the record, the job that runs it, and how far it is. */
export function createDownloadViews ({ store, jobs, runs: { live, isActive, end } }: DownloadViewsDeps) {
  /** The record, in step with a job that was ended where nothing of ours ran. */
  function current (id: string): DownloadRecord | undefined {
    const record = store.find(id)
    if (!record || record.job === null || live.has(id) || !['queued', 'running'].includes(record.state) || isActive(record.job)) return record
    const job = jobs.get(record.job)
    if (job?.state === 'cancelled') end(id, 'cancelled', {})
    else end(id, 'failed', { error: { kind: 'failed', code: job?.error?.code ?? 'interrupted', message: job?.error?.message ?? 'The server stopped while the download ran' } })
    return store.find(id)
  }

  function viewOf (record: DownloadRecord): DownloadView {
    const now = live.get(record.id)?.progress
    const job = record.job === null ? undefined : jobs.get(record.job)
    const state = job && ['queued', 'running'].includes(record.state) && isActive(job.id) ? job.state as DownloadView['state'] : record.state
    const done = now?.bytes ?? record.result?.bytes ?? job?.progress.done ?? 0
    const total = now?.total ?? (record.result?.bytes || job?.progress.total || null)
    const rate = now?.rate ?? 0
    const eta = rate > 0 && total !== null ? Math.ceil((total - done) / rate) : null
    return { ...record, state, progress: { percent: now?.percent ?? (state === 'succeeded' ? 100 : 0), done, total, unit: 'bytes', rate, eta_seconds: eta } }
  }

  /** @throws NotFoundError */
  function required (id: string): DownloadRecord {
    const record = current(id)
    if (!record) throw new NotFoundError('There is no such download', 'download-not-found')
    return record
  }

  return {
    current,
    viewOf,
    required,
    /** @throws NotFoundError */
    viewFor: (id: string): DownloadView => viewOf(required(id)),
    /** The active download's job. @throws NotFoundError, ConflictError */
    jobOf (id: string): string {
      const { job, state } = required(id)
      if (job === null || !isActive(job)) throw new ConflictError(`The download is ${state}`, 'download-state')
      return job
    }
  }
}

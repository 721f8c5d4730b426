import { randomUUID } from 'node:crypto'
import type { WorkRate } from './work-rate.ts'
import type { Job, JobContext, JobProgress, JobState } from './types.ts'

export const finishedStates: ReadonlySet<JobState> = new Set<JobState>(['succeeded', 'failed', 'cancelled'])

export function newJob (kind: string, title: string, createdAt: string): Job {
  return {
    id: randomUUID(),
    kind,
    title,
    state: 'queued',
    progress: { done: 0, total: null, unit: 'items', rate: null, eta_seconds: null },
    created_at: createdAt,
    started_at: null,
    finished_at: null,
    result: null,
    error: null,
    failures: []
  }
}

/** A copy that the caller may keep while the job goes on. */
export function copyJob (job: Job): Job {
  return { ...job, progress: { ...job.progress }, failures: [...job.failures] }
}

/** The progress after a report; total and unit stay as they were unless the report names them. */
export function progressAfter (former: JobProgress, report: Parameters<JobContext['report']>[0], rate: WorkRate): JobProgress {
  const total = report.total === undefined ? former.total : report.total
  const perSecond = rate.perSecond()
  return {
    done: report.done,
    total,
    unit: report.unit ?? former.unit,
    rate: perSecond,
    eta_seconds: perSecond === null || total === null ? null : Math.max(0, Math.round((total - report.done) / perSecond))
  }
}

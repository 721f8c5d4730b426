import type { Core } from '../../services/core.ts'
import type { Job } from '../../services/jobs/types.ts'
import { getJob } from './get-job.ts'
import { listJobs } from './list-jobs.ts'

export type JobUseCases = ReturnType<typeof createJobUseCases>

/** Changes throw NotFoundError for an unknown job and ConflictError when its state does not allow them. */
export function createJobUseCases ({ jobs }: Pick<Core, 'jobs'>) {
  return {
    listJobs: listJobs({ jobs }),
    getJob: getJob({ jobs }),
    pauseJob: (id: string): Job => jobs.pause(id),
    resumeJob: (id: string): Job => jobs.resume(id),
    cancelJob: (id: string): Job => jobs.cancel(id),
    retryFailed: (id: string): Job => jobs.retryFailed(id),
    pruneJobs: (): number => jobs.prune()
  }
}

import type { Core } from '../../services/core.ts'
import type { Job, JobState } from '../../services/jobs/types.ts'

const LARGEST_PAGE = 200

export interface ListJobsInput { limit?: number | undefined, after?: string | undefined, state?: JobState | undefined }

/** Newest first; a limit beyond the bounds is clamped. */
export const listJobs = ({ jobs }: Pick<Core, 'jobs'>) => ({ limit = 50, after, state }: ListJobsInput): { items: Job[], next: string | null } =>
  jobs.list({ limit: Math.min(Math.max(limit, 1), LARGEST_PAGE), after, state })

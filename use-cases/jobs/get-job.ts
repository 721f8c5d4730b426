import type { Core } from '../../services/core.ts'
import { NotFoundError } from '../../services/errors.ts'
import type { Job } from '../../services/jobs/types.ts'

/** @throws NotFoundError */
export const getJob = ({ jobs }: Pick<Core, 'jobs'>) => (id: string): Job => {
  const job = jobs.get(id)
  if (!job) throw new NotFoundError('There is no such job', 'job-not-found')
  return job
}

import type { Job } from '../../services/jobs/types.ts'
import type { Organizer } from '../../services/models/organizer.ts'

/** Starts the job that carries a plan out. @throws NotFoundError; ConflictError when files have changed since, or another run is under way */
export const applyPlan = ({ organizer }: { organizer: Organizer }) => async (id: string): Promise<Job> => await organizer.apply(id)

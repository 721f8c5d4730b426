import { ConflictError } from '../../services/errors.ts'
import type { Job } from '../../services/jobs/types.ts'
import { findRoot } from './find-root.ts'
import type { AnyRootStatus, RootDeps } from './list-roots.ts'

/** Starts (or joins) the scan of the root's type, which compares the root with the disk again. */
export const reconcileRoot = ({ keepers }: RootDeps) => (id: string): { root: AnyRootStatus, job: Job } => {
  const { keeper, root } = findRoot(keepers, id)
  const job = keeper.startScan()
  if (!job) throw new ConflictError('The library is being switched; try again in a moment', 'library-switching')
  return { root, job }
}

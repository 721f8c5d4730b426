import { ConflictError } from '../../services/errors.ts'
import type { RootStatus } from '../../services/files/types.ts'
import type { Job } from '../../services/jobs/types.ts'
import { findRoot } from './find-root.ts'
import type { RootDeps } from './list-roots.ts'

/** Starts (or joins) the scan of the root's type, which compares the root with the disk again. */
export const reconcileRoot = ({ libraries }: RootDeps) => (id: string): { root: RootStatus, job: Job } => {
  const { library, root } = findRoot(libraries, id)
  const job = library.startScan()
  if (!job) throw new ConflictError('The library is being switched; try again in a moment', 'library-switching')
  return { root, job }
}

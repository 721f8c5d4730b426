import type { RootStatus } from '../../services/files/types.ts'
import { findRoot } from './find-root.ts'
import type { RootDeps } from './list-roots.ts'

/** The user says that a suspect root really is as it looks now: what is missing from it is forgotten. */
export const acceptRoot = ({ libraries }: RootDeps) => async (id: string): Promise<RootStatus> => {
  const { library } = findRoot(libraries, id)
  await library.acceptRoot(id)
  return findRoot(libraries, id).root
}

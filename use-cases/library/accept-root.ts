import { findRoot } from './find-root.ts'
import type { AnyRootStatus, RootDeps } from './list-roots.ts'

/** The user says that a suspect root really is as it looks now: what is missing from it is forgotten. */
export const acceptRoot = ({ keepers }: RootDeps) => async (id: string): Promise<AnyRootStatus> => {
  const { keeper } = findRoot(keepers, id)
  await keeper.acceptRoot(id)
  return findRoot(keepers, id).root
}

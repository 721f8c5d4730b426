import type { Core } from '../../services/core.ts'
import { acceptRoot } from './accept-root.ts'
import { listRoots } from './list-roots.ts'
import { reconcileRoot } from './reconcile-root.ts'

export type LibraryUseCases = ReturnType<typeof createLibraryUseCases>

/** What the user can see and say about the folders that hold models. */
export function createLibraryUseCases ({ models }: Pick<Core, 'models'>) {
  const libraries = Object.values(models)
  return {
    listRoots: listRoots({ libraries }),
    reconcileRoot: reconcileRoot({ libraries }),
    acceptRoot: acceptRoot({ libraries })
  }
}

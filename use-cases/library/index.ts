import type { Core } from '../../services/core.ts'
import { acceptRoot } from './accept-root.ts'
import { listRoots, type RootKeeper } from './list-roots.ts'
import { reconcileRoot } from './reconcile-root.ts'

export type LibraryUseCases = ReturnType<typeof createLibraryUseCases>

/** What the user can see and say about the folders that hold models and recipes. */
export function createLibraryUseCases ({ models, recipes }: Pick<Core, 'models' | 'recipes'>) {
  const shelf: RootKeeper = {
    rootStatus: () => [recipes.rootStatus()].filter((status) => status !== null),
    startScan: recipes.startScan,
    acceptRoot: recipes.acceptRoot
  }
  const keepers = [...Object.values(models), shelf]
  return {
    listRoots: listRoots({ keepers }),
    reconcileRoot: reconcileRoot({ keepers }),
    acceptRoot: acceptRoot({ keepers })
  }
}

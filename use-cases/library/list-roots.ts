import type { RootStatus } from '../../services/files/types.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { RecipeRootStatus } from '../../services/recipes/ports.ts'

export type AnyRootStatus = RootStatus | RecipeRootStatus

/** Whoever keeps what lies in some of the folders: the library of a type of models, the shelf of recipes. */
export interface RootKeeper extends Pick<ModelLibrary, 'startScan' | 'acceptRoot'> {
  rootStatus (): AnyRootStatus[]
}

export interface RootDeps { keepers: readonly RootKeeper[] }

/** Every configured root of every type in the order of the walk, then the recipe directory. */
export const listRoots = ({ keepers }: RootDeps) => (): AnyRootStatus[] => keepers.flatMap((keeper) => keeper.rootStatus())

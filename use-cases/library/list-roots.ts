import type { RootStatus } from '../../services/files/types.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

export interface RootDeps { libraries: readonly ModelLibrary[] }

/** Every configured root of every type, in the order of the walk. */
export const listRoots = ({ libraries }: RootDeps) => (): RootStatus[] => libraries.flatMap((library) => library.rootStatus())

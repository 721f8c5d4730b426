import { NotFoundError } from '../../services/errors.ts'
import type { RootStatus } from '../../services/files/types.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

/** @throws NotFoundError */
export function findRoot (libraries: readonly ModelLibrary[], id: string): { library: ModelLibrary, root: RootStatus } {
  for (const library of libraries) {
    const root = library.rootStatus().find((status) => status.id === id)
    if (root) return { library, root }
  }
  throw new NotFoundError('There is no such root', 'root-not-found')
}

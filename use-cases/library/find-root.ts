import { NotFoundError } from '../../services/errors.ts'
import type { AnyRootStatus, RootKeeper } from './list-roots.ts'

/** @throws NotFoundError */
export function findRoot (keepers: readonly RootKeeper[], id: string): { keeper: RootKeeper, root: AnyRootStatus } {
  for (const keeper of keepers) {
    const root = keeper.rootStatus().find((status) => status.id === id)
    if (root) return { keeper, root }
  }
  throw new NotFoundError('There is no such root', 'root-not-found')
}

import { OfflineError } from '../errors.ts'
import type { Root } from '../files/types.ts'
import type { ModelLibrary } from './ports.ts'

const AWAY = new Set(['offline', 'suspect'])

/** Ids of the roots on which nothing may be changed now: what they show may not be what is there. */
export function offlineRoots (library: Pick<ModelLibrary, 'rootStatus'>): ReadonlySet<string> {
  return new Set(library.rootStatus().filter(({ state }) => AWAY.has(state)).map(({ id }) => id))
}

/** @throws OfflineError when one of the roots is away */
export function requireOnline (offline: ReadonlySet<string>, ...roots: readonly Pick<Root, 'id'>[]): void {
  if (roots.some(({ id }) => offline.has(id))) throw new OfflineError('The disk of this model folder is away')
}

import { OfflineError } from '../../services/errors.ts'
import { failureOf } from '../../services/journal/errors.ts'
import type { Journal, OperationDetail } from '../../services/journal/types.ts'
import { holdPaths, settleOperation, type OperationFollowers } from '../../services/models/settle-operation.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'

export interface OperationDeps extends OperationFollowers {
  journal: Journal
  recipes: Pick<RecipeShelf, 'settle' | 'rootStatus'>
}

/** Puts everything back as it was before an operation; answers that operation. @throws NotFoundError, UndoRefusedError, OfflineError */
export const undoOperation = (deps: OperationDeps) => async (id: string): Promise<{ operation: OperationDetail, undo: OperationDetail }> => {
  const { journal, libraries, hub } = deps
  const { unit_list: units } = journal.operation(id)
  const paths = units.flatMap(({ key, files }) => [key, ...files.flatMap(({ from, to }) => [from, to])]).filter((path) => path !== null)
  requireOnline(deps, paths)
  return await holdPaths(libraries, paths, async () => {
    const result = await journal.undo(id, 'operations')
    await settleOperation(deps, result)
    hub.publish('operation.finished', { id: result.id, kind: 'undo', state: result.state }, { operation: result.id })
    const broken = failureOf(result.units.find(({ ok }) => !ok))
    if (broken) throw broken
    return { operation: journal.operation(id), undo: journal.operation(result.id) }
  })
}

/** @throws OfflineError when one of the paths lies in a root that is away */
export function requireOnline ({ libraries, recipes }: Pick<OperationDeps, 'libraries' | 'recipes'>, paths: readonly string[]): void {
  const away = libraries.flatMap((library) => library.roots().filter((root) => library.isAway(root.id)).map((root) => `${root.path}/`))
  const shelf = recipes.rootStatus()
  if (shelf && ['offline', 'suspect'].includes(shelf.state)) away.push(`${shelf.path}/`)
  if (away.length > 0 && paths.some((path) => away.some((root) => path.startsWith(root)))) {
    throw new OfflineError('The disk of one of the folders is away')
  }
}

import type { OperationResult } from '../journal/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import { isRecipeFile } from '../recipes/recipe-file.ts'
import type { RecipeShelf } from '../recipes/ports.ts'
import { isWeightFile } from './file-set.ts'
import type { DoneOnDisk, ModelLibrary } from './ports.ts'

/** Models that an operation of the journal touched, by what became of their files. */
export interface AffectedModels extends Required<DoneOnDisk> {
  /** Every file that is back or anew at its place, companions too. */
  restored: string[]
}

/** What an operation (an undo, a restore from the trash) did, told by its units alone: each bears its model's path as its key. */
export function affectedModels ({ units }: Pick<OperationResult, 'units'>): AffectedModels {
  const moved: { from: string, to: string }[] = []
  const removed: string[] = []
  const changed = new Set<string>()
  const restored: string[] = []
  for (const { key, ok, files } of units) {
    if (!ok) continue
    changed.add(key)
    for (const { from, to } of files) {
      if (to !== null) restored.push(to)
      if (!isWeightFile(nameOf(from ?? to ?? ''))) continue
      if (from !== null && to === null) removed.push(from)
      else if (from !== null && to !== null && from !== to) moved.push({ from, to })
      else if (to !== null) changed.add(to)
    }
  }
  for (const path of [...moved.flatMap(({ from, to }) => [from, to]), ...removed]) changed.delete(path)
  return { moved, removed, changed: [...changed], restored }
}

/** What operations of the journal may concern. */
export interface OperationFollowers {
  libraries: readonly ModelLibrary[]
  recipes: Pick<RecipeShelf, 'settle'>
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
}

/** Brings every library and the recipes in step with an operation and tells clients. The caller holds the paths. */
export async function settleOperation ({ libraries, recipes, hub }: OperationFollowers, result: OperationResult): Promise<AffectedModels> {
  const ofRecipes = result.units.filter(({ key }) => isRecipeFile(key))
  if (ofRecipes.length > 0) await recipes.settle({ id: result.id, units: ofRecipes })
  const affected = affectedModels({ units: result.units.filter((unit) => !ofRecipes.includes(unit)) })
  const changed = new Set(affected.changed)
  let any = false
  for (const library of libraries) {
    const before = new Set([...affected.changed, ...affected.removed].filter((path) => library.index.get(path) !== undefined))
    const now = await library.settle(affected)
    const created = now.filter((model) => changed.has(model.file_path) && !before.has(model.file_path)).length
    const deleted = affected.removed.filter((path) => before.has(path)).length
    if (now.length + deleted === 0) continue
    any = true
    const about = { model_type: library.type.name }
    hub.publish('models.changed', { ...about, created, updated: now.length - created, deleted }, { operation: result.id })
    hub.publish('facets.changed', about, { operation: result.id })
  }
  if (any) hub.broadcast('fetch', { type: 'models_changed' })
  return { ...affected, restored: [...affected.restored, ...affectedModels({ units: ofRecipes }).restored] }
}

/** Holds paths of any type: the queue of paths is one for all of them. */
export async function holdPaths<T> (libraries: readonly ModelLibrary[], paths: readonly string[], work: () => Promise<T>): Promise<T> {
  const [any] = libraries
  return any ? await any.exclusively([...new Set(paths)], work) : await work()
}

function nameOf (path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

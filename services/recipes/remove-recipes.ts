import type { Step, Unit } from '../journal/types.ts'
import type { ChangeContext } from './change-context.ts'
import { statFile } from './image-facts.ts'
import type { ChangeOptions, RemovedRecipes, RecipeShelf } from './ports.ts'
import { factsOf, type StoredRecipe } from './recipe-store.ts'
import { recipeMedia } from './recipe-files.ts'

/** Moves recipes to the trash, all of a request as one operation that can be undone. */
export function createRecipeRemoval (context: ChangeContext): RecipeShelf['remove'] {
  return async (ids, options) => {
    const session = context.online()
    const wanted = [...new Set(ids)]
    const entries = wanted.flatMap((id) => context.index.get(id) ?? [])
    const failed = wanted.filter((id) => !context.index.get(id)).map((id) => ({ id, reason: 'Recipe not found' }))
    if (entries.length === 0) return { deleted: [], failed, batchId: null }
    const paths = entries.flatMap(({ jsonPath, image }) => [jsonPath, image.path]).filter((path) => path !== '')
    return await context.paths.runAll([...new Set(paths)], async () => {
      const done = await removeHeld(context, session.root, entries, options)
      return { ...done, failed: [...failed, ...done.failed] }
    })
  }
}

async function removeHeld (context: ChangeContext, root: string, entries: readonly StoredRecipe[], { route, summary, signal }: ChangeOptions & { signal?: AbortSignal }): Promise<RemovedRecipes> {
  const units: Unit[] = []
  const vanished: StoredRecipe[] = []
  for (const entry of entries) {
    if (signal?.aborted) break
    const unit = await planRemoval(root, entry)
    if (unit) units.push(unit)
    else vanished.push(entry)
  }
  const what = summary ?? (units.length === 1 ? `Delete recipe ${units[0]?.label ?? ''}`.slice(0, 200) : `Delete ${units.length} recipes`)
  const result = units.length === 0 ? null : await context.journal.run({ kind: units.length === 1 ? 'delete' : 'bulk-delete', route, summary: what, units }, { signal })
  const errors = new Map(result?.units.flatMap(({ key, error }) => error ? [[key, error.message]] : []))
  const planned = new Set([...units.map(({ key }) => key), ...vanished.map(({ jsonPath }) => jsonPath)])
  const gone = entries.filter(({ jsonPath }) => planned.has(jsonPath) && !errors.has(jsonPath))
  const session = context.online()
  for (const { jsonPath } of gone) await session.refresh(jsonPath)
  const deleted = gone.map(({ recipeId }) => recipeId)
  if (deleted.length > 0) context.announce({ deleted }, result?.id)
  const failed = entries.flatMap(({ recipeId: id, jsonPath }) => errors.has(jsonPath) ? [{ id, reason: errors.get(jsonPath) ?? '' }] : [])
  return { deleted, failed, batchId: result?.units.some(({ ok }) => ok) ? result.id : null }
}

/** null: its document is gone already, and so is the recipe. */
async function planRemoval (root: string, entry: StoredRecipe): Promise<Unit | null> {
  const { jsonPath, image } = entry
  if (await statFile(jsonPath) === null) return null
  const media = await recipeMedia(root, { jsonPath, imagePath: image.path })
  const steps = [...media, jsonPath].map((path): Step => ({ kind: 'trash', path }))
  return { key: jsonPath, label: factsOf(entry).title, steps }
}

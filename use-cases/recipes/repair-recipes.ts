import { NotFoundError } from '../../services/errors.ts'
import { planRepair, type RepairDeps } from '../../services/recipes/repair-recipe.ts'
import type { Recipe } from '../../services/recipes/ports.ts'
import type { Sweep, Sweeps } from '../../services/recipes/sweep.ts'
import { add, readRecipeIds, titleOf, unknownRecipe, type Shown, type SweptShelf } from './chosen-recipes.ts'

export interface RepairUseDeps extends RepairDeps { shelf: SweptShelf }

/** The repaired recipe, or null when it needed none. @throws NotFoundError */
async function repair ({ shelf, ...deps }: RepairUseDeps, id: string, signal?: AbortSignal): Promise<Recipe | null> {
  const recipe = shelf.get(id)
  if (!recipe) throw unknownRecipe(id)
  const plan = await planRepair(recipe.document, deps, { signal, urgent: signal === undefined })
  return plan && await shelf.edit(id, plan, { route: 'repair', summary: `Repaired the recipe "${recipe.document.title}"` })
}

/** @throws NotFoundError */
export const repairRecipe = (deps: RepairUseDeps) => async (id: string): Promise<{ repaired: number, skipped: number, recipe: Shown }> => {
  const repaired = await repair(deps, id)
  const recipe = repaired ?? deps.shelf.get(id)
  if (!recipe) throw unknownRecipe(id)
  return { repaired: repaired ? 1 : 0, skipped: repaired ? 0 : 1, recipe: deps.shelf.present(recipe) }
}

/** Unknown ids count as skipped. @throws InvalidInputError */
export const repairRecipes = (deps: RepairUseDeps) => async (body: Record<string, unknown>): Promise<{ total: number, repaired: number, skipped: number, errors: number, recipes: Shown[] }> => {
  const ids = readRecipeIds(body)
  const result = { total: ids.length, repaired: 0, skipped: 0, errors: 0, recipes: [] as Shown[] }
  for (const id of ids) {
    try {
      const repaired = await repair(deps, id)
      if (repaired) {
        result.repaired++
        result.recipes.push(deps.shelf.present(repaired))
      } else {
        result.skipped++
      }
    } catch (error) {
      if (error instanceof NotFoundError) result.skipped++
      else result.errors++
    }
  }
  return result
}

export function defineRepair (sweeps: Sweeps, deps: RepairUseDeps): Sweep {
  const { shelf } = deps
  return sweeps.define({
    kind: 'recipe-repair',
    title: 'Repair recipes',
    frameType: 'recipe_repair_progress',
    ids: () => shelf.ids(),
    counts: () => ({ repaired: 0, skipped: 0, errors: 0 }),
    nameOf: (id) => titleOf(shelf, id),
    async one (id, counts, signal) {
      const repaired = shelf.get(id) ? await repair(deps, id, signal) : null
      add(counts, { [repaired ? 'repaired' : 'skipped']: 1 })
    }
  })
}

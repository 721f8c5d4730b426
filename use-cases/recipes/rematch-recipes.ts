import { fillFromLibrary } from '../../services/recipes/fill-from-library.ts'
import { rematchRecipe, type MatchedEntry, type RematchLibrary, type UnresolvedEntry } from '../../services/recipes/rematch-recipe.ts'
import type { Recipe } from '../../services/recipes/ports.ts'
import type { RecipeDocument } from '../../services/recipes/schema.ts'
import type { Counts, Sweep, Sweeps } from '../../services/recipes/sweep.ts'
import { add, readRecipeIds, titleOf, unknownRecipe, type Shown, type SweptShelf } from './chosen-recipes.ts'

export interface RematchUseDeps {
  shelf: SweptShelf
  library: RematchLibrary
  sweeps: Sweeps
  /** Computes hashes that a recipe names and nobody knows; answers those. */
  learn (document: RecipeDocument): Promise<ReadonlySet<string>>
}

interface RematchOutcome { recipe: Recipe, matched: MatchedEntry[], unresolved: UnresolvedEntry[], error?: string }

/** @throws NotFoundError */
async function rematch ({ shelf, library, learn }: Omit<RematchUseDeps, 'sweeps'>, id: string): Promise<RematchOutcome> {
  const recipe = shelf.get(id)
  if (!recipe) throw unknownRecipe(id)
  const learned = await learn(recipe.document)
  const { document, matched, unresolved } = rematchRecipe(recipe.document, library, learned)
  if (document === null) return { recipe, matched, unresolved }
  try {
    // What is written is made from the file as it is by then.
    const changed = await shelf.edit(id, (now) => rematchRecipe(now, library, learned).document, { route: 'rematch', summary: `Matched models of the recipe "${recipe.document.title}"` })
    return { recipe: changed, matched, unresolved }
  } catch (error) {
    return { recipe, matched: [], unresolved, error: error instanceof Error ? error.message : String(error) }
  }
}

function countsOf ({ matched, unresolved, error }: RematchOutcome): Counts {
  return {
    skipped: matched.length === 0 && error === undefined ? 1 : 0,
    errors: error === undefined ? 0 : 1,
    matched_recipes: matched.length > 0 ? 1 : 0,
    matched_entries: matched.length,
    unresolved_recipes: unresolved.length > 0 ? 1 : 0,
    unresolved_entries: unresolved.length
  }
}

/** @throws NotFoundError, ConflictError while all are matched */
export const rematchOne = ({ sweeps, ...deps }: RematchUseDeps) => async (id: string): Promise<Shown> => {
  sweeps.requireIdle()
  const outcome = await rematch(deps, id)
  const { errors, ...counts } = countsOf(outcome)
  const { matched, unresolved, recipe, error } = outcome
  return {
    success: error === undefined,
    rematched: matched.length,
    ...counts,
    ...(error !== undefined && { errors, error }),
    details: { matched, unresolved },
    recipe: deps.shelf.present(recipe)
  }
}

/** @throws InvalidInputError, ConflictError while all are matched */
export const rematchMany = ({ sweeps, ...deps }: RematchUseDeps) => async (body: Record<string, unknown>): Promise<Shown> => {
  const ids = readRecipeIds(body)
  sweeps.requireIdle()
  const counts: Counts = { skipped: 0, errors: 0, matched_recipes: 0, matched_entries: 0, unresolved_recipes: 0, unresolved_entries: 0 }
  const recipes: Shown[] = []
  const details: Shown[] = []
  for (const id of ids) {
    const outcome = deps.shelf.get(id) ? await rematch(deps, id) : null
    add(counts, outcome ? countsOf(outcome) : { skipped: 1 })
    if (!outcome) continue
    const { matched, unresolved, recipe } = outcome
    if (matched.length > 0) recipes.push(deps.shelf.present(recipe))
    if (matched.length + unresolved.length > 0) details.push({ recipe_id: id, matched, unresolved })
  }
  return { total: ids.length, rematched: counts.matched_entries, ...counts, recipes, details }
}

/** Binds what one recipe lacks, if the library has it now; whether anything was bound. */
export const rematchQuietly = (deps: Omit<RematchUseDeps, 'sweeps'>) => async (id: string): Promise<boolean> =>
  deps.shelf.get(id) !== undefined && (await rematch(deps, id)).matched.length > 0

/** Adds to a recipe what the library knows for certain of its LoRAs; whether there was anything to add. */
export const fillQuietly = ({ shelf, loras }: { shelf: SweptShelf, loras: RematchLibrary['loras'] }) => async (id: string): Promise<boolean> => {
  const recipe = shelf.get(id)
  if (!recipe || fillFromLibrary(recipe.document, loras) === null) return false
  await shelf.edit(id, (now) => fillFromLibrary(now, loras), { route: 'recipe-scan', summary: `Names and hashes of the LoRAs of the recipe "${recipe.document.title}"`.slice(0, 200) })
  return true
}

export function defineRematch ({ sweeps, ...deps }: RematchUseDeps): Sweep {
  const { shelf } = deps
  return sweeps.define({
    kind: 'recipe-rematch',
    title: 'Match recipes with the library',
    frameType: 'recipe_rematch_progress',
    ids: () => shelf.ids(),
    counts: () => ({ rematched: 0, skipped: 0, errors: 0, matched_recipes: 0, matched_entries: 0, unresolved_recipes: 0, unresolved_entries: 0 }),
    nameOf: (id) => titleOf(shelf, id),
    async one (id, counts) {
      if (!shelf.get(id)) return add(counts, { skipped: 1 })
      const outcome = await rematch(deps, id)
      add(counts, { ...countsOf(outcome), rematched: outcome.matched.length > 0 ? 1 : 0 })
    }
  })
}

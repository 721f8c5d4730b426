import { DomainError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'

interface Deps { recipes: Pick<RecipeShelf, 'remove' | 'has'> }

/** To the trash; `batch_id` undoes it. @throws NotFoundError */
export const deleteRecipe = ({ recipes }: Deps) => async (id: string): Promise<{ message: string, batch_id: string | null }> => {
  if (!recipes.has(id)) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  const { batchId, failed: [failure] } = await recipes.remove([id], { route: 'delete-recipe' })
  if (failure) throw new DomainError('failed', 'recipe-not-deleted', failure.reason)
  return { message: 'Recipe deleted successfully', batch_id: batchId }
}

/** Several as one operation. @throws InvalidInputError for no ids */
export const deleteRecipes = ({ recipes }: Deps) => async ({ recipe_ids: ids }: { recipe_ids?: unknown }) => {
  const wanted = readIds(ids)
  const { deleted, failed, batchId } = await recipes.remove(wanted, { route: 'bulk-delete-recipes' })
  return { deleted, failed, total_deleted: deleted.length, total_failed: failed.length, batch_id: batchId }
}

/** @throws InvalidInputError */
export function readIds (ids: unknown): string[] {
  if (!Array.isArray(ids) || ids.length === 0) throw new InvalidInputError('No recipe IDs provided')
  return ids.map((id) => {
    if (typeof id !== 'string' && typeof id !== 'number') throw new InvalidInputError('Every recipe id must be a text')
    return String(id)
  })
}

import { DomainError, InvalidInputError } from '../../services/errors.ts'
import type { MovedRecipe, RecipeShelf } from '../../services/recipes/ports.ts'
import { readIds } from './delete-recipes.ts'

interface Deps { recipes: Pick<RecipeShelf, 'move'> }

export interface MoveBody { recipe_id?: unknown, recipe_ids?: unknown, target_path?: unknown }

/** @throws InvalidInputError, NotFoundError, PathOutsideLibraryError, ConflictError, OfflineError */
export const moveRecipe = ({ recipes }: Deps) => async ({ recipe_id: id, target_path: target }: MoveBody) => {
  if (typeof id !== 'string' || id === '' || typeof target !== 'string' || target === '') throw new InvalidInputError('recipe_id and target_path are required')
  const moved = await recipes.move(id, target, { route: 'move-recipe' })
  const { from, to, jsonPath, folder } = moved
  const paths = { recipe_id: id, original_file_path: from, new_file_path: to }
  if (!moved.moved) return { message: 'Recipe is already in target folder', ...paths }
  return { ...paths, json_path: jsonPath, folder }
}

export interface MoveResult { recipe_id: string, original_file_path: string | null, new_file_path: string | null, success: boolean, message: string, folder?: string }

/** One after the other; what fails is told beside what did not. @throws InvalidInputError */
export const moveRecipes = ({ recipes }: Deps) => async ({ recipe_ids: ids, target_path: target }: MoveBody) => {
  const wanted = readIds(ids)
  if (typeof target !== 'string' || target === '') throw new InvalidInputError('recipe_ids and target_path are required')
  const results: MoveResult[] = []
  for (const id of wanted) results.push(await tryMove(recipes, id, target))
  const count = results.filter(({ success }) => success).length
  return { message: `Moved ${count} of ${wanted.length} recipes`, results, success_count: count, failure_count: wanted.length - count }
}

async function tryMove (recipes: Deps['recipes'], id: string, target: string): Promise<MoveResult> {
  try {
    return resultOf(await recipes.move(id, target, { route: 'move-recipes' }))
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { recipe_id: id, original_file_path: null, new_file_path: null, success: false, message: error.message }
  }
}

function resultOf ({ id, moved, from, to, folder }: MovedRecipe): MoveResult {
  return { recipe_id: id, original_file_path: from, new_file_path: to, success: true, message: moved ? 'Moved' : 'Recipe is already in target folder', folder }
}

import { DomainError } from '../../services/errors.ts'
import { legacyBoolean } from '../../services/query-values.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import type { RawQuery } from './parse-recipe-query.ts'

/** Compares the recipe directory with what is known, or reads everything anew; answers when it is done. @throws DomainError when the directory is away */
export const scanRecipes = ({ recipes }: { recipes: Pick<RecipeShelf, 'scan' | 'rootStatus'> }) => async (query: RawQuery): Promise<{ success: boolean, status?: 'cancelled', message: string }> => {
  const { status, message } = await recipes.scan({ full: legacyBoolean(query.full_rebuild) })
  if (status === 'cancelled') return { success: false, status, message }
  const root = recipes.rootStatus()
  if (root && (root.state === 'offline' || root.state === 'suspect')) throw new DomainError('unavailable', 'root-offline', `The recipe folder is away: ${root.reason ?? 'it cannot be read'}`)
  return { success: true, message }
}

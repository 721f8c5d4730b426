import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { firstValue, integerOr, looseBoolean } from '../../services/query-values.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import { parseRecipeQuery, type RawQuery } from './parse-recipe-query.ts'

interface Deps { recipes: RecipeShelf }

const MOST = 200
const USUAL = 20
const ALL = Number.MAX_SAFE_INTEGER

/** One page as complete JSON. */
export const listRecipes = ({ recipes }: Deps) => async (query: RawQuery): Promise<Buffer> => await recipes.list(parseRecipeQuery(query))

/** As its file is now. @throws NotFoundError */
export const getRecipe = ({ recipes }: Deps) => async (id: string): Promise<Record<string, unknown>> => {
  const recipe = await recipes.read(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  return recipes.present(recipe)
}

/** Zero asks for all of them; beyond the bounds is the usual number. */
const limitOf = (query: RawQuery): number => {
  const limit = integerOr('limit', query.limit, USUAL)
  return limit < 0 || limit > MOST ? USUAL : limit === 0 ? ALL : limit
}

export const topTags = ({ recipes }: Deps) => (query: RawQuery) => ({ tags: recipes.topTags(limitOf(query)) })

export const searchTags = ({ recipes }: Deps) => (query: RawQuery) => {
  const text = firstValue(query.q)?.trim() ?? ''
  const limit = limitOf(query)
  return { tags: text === '' ? recipes.topTags(limit === ALL ? USUAL : limit) : recipes.searchTags(text, limit) }
}

export const countBaseModels = ({ recipes }: Deps) => (query: RawQuery) => {
  const limit = integerOr('limit', query.limit, USUAL)
  return { base_models: recipes.baseModels(limit <= 0 ? ALL : limit) }
}

/** Recipes that use a model, as the lists show them without dates and sizes, as complete JSON. @throws InvalidInputError without a hash */
export const recipesUsing = ({ recipes }: Deps, find: (hash: string) => string[], kind: string) => (query: RawQuery): Buffer => {
  const hash = firstValue(query.hash)?.trim() ?? ''
  if (hash === '') throw new InvalidInputError(`${kind} hash is required`)
  const found = find(hash).flatMap((id) => recipes.get(id) ?? []).map((recipe) => recipes.present(recipe, { dates: false }))
  return Buffer.from(JSON.stringify({ success: true, recipes: found }))
}

/** Complete JSON. */
export const findDuplicates = ({ recipes }: Deps) => (query: RawQuery): Buffer =>
  Buffer.concat([Buffer.from('{"success":true,"duplicate_groups":'), recipes.duplicates({ includePrompt: looseBoolean(query.include_prompt), includeSeed: looseBoolean(query.include_seed) }), Buffer.from('}')])

/** Which CivitAI images were made recipes already; whatever is no number is passed over. */
export const checkImages = ({ recipes }: Deps) => (query: RawQuery): { results: Record<string, { in_library: boolean, recipe_id: string | null }> } => {
  const ids = (firstValue(query.image_ids) ?? '').split(',').map((id) => id.trim()).filter((id) => /^\d{1,15}$/.test(id))
  return {
    results: Object.fromEntries(ids.map((id) => {
      const [recipe] = recipes.byImageId(String(Number(id)))
      return [id, { in_library: recipe !== undefined, recipe_id: recipe ?? null }]
    }))
  }
}

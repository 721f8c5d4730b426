import type { Readable } from 'node:stream'
import { NotFoundError } from '../../services/errors.ts'
import { mediaType } from '../../services/models/preview-file.ts'
import { firstValue } from '../../services/query-values.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import type { SharedFiles } from '../../services/recipes/shared-files.ts'
import { shareName } from '../../services/recipes/share-name.ts'
import type { RawQuery } from './parse-recipe-query.ts'

interface Deps {
  recipes: Pick<RecipeShelf, 'read'>
  shared: SharedFiles
  /** Milliseconds since 1970. */
  now: () => number
}

/** Makes the recipe's image, with the recipe inside, ready for a download within five minutes. @throws NotFoundError */
export const shareRecipe = ({ recipes, shared, now }: Deps) => async (id: string): Promise<{ download_url: string, filename: string }> => {
  const recipe = await recipes.read(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  const { filename } = await shared.share(recipe)
  return { download_url: `/api/lm/recipe/${encodeURIComponent(id)}/share/download?t=${Math.floor(now() / 1000)}`, filename }
}

export interface SharedDownload { headers: Record<string, string | number>, body: Readable | string }

/** The shared file; with `format=json` the document, since videos carry none. @throws NotFoundError */
export const downloadShared = ({ recipes, shared }: Deps) => async (id: string, query: RawQuery): Promise<SharedDownload> => {
  if (firstValue(query.format) === 'json') return await documentOf(recipes, id)
  const { filename, size, body } = await shared.open(id)
  return { headers: { ...attachment(filename), 'content-type': mediaType(filename) ?? 'application/octet-stream', 'content-length': size }, body }
}

async function documentOf (recipes: Deps['recipes'], id: string): Promise<SharedDownload> {
  const recipe = await recipes.read(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  return { headers: { ...attachment(shareName(recipe.document.title, id, '.recipe.json')), 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(recipe.document, null, 4) }
}

/** The name is plain ASCII without quotes. */
function attachment (filename: string): Record<string, string> {
  return { 'content-disposition': `attachment; filename="${filename}"`, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
}

import { readPageAddress } from '../../services/civitai/addresses.ts'
import { InvalidInputError } from '../../services/errors.ts'
import type { Lanes } from '../../services/images/lanes.ts'
import { firstValue, legacyBoolean, type QueryValue } from '../../services/query-values.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import type { RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import type { SourceImages } from '../../services/recipes/source-images.ts'
import { saveResult, type SaveResult } from './save-recipe.ts'

interface Deps { images: SourceImages, maker: RecipeMaker, lanes: Lanes, shelf: Pick<RecipeShelf, 'byImageId' | 'get'> }

export type UrlImport = SaveResult | { recipe_id: string, name: string, already_exists: true }

/**
 * Imports the image of a page of CivitAI, or says that it was imported before (recipes §13.2).
 * @throws InvalidInputError for any other address; DomainError `invalid` when it can't be had
 */
export const importFromUrl = ({ images, maker, lanes, shelf }: Deps) => async (query: { image_url?: QueryValue, force?: QueryValue }): Promise<UrlImport> => {
  const url = firstValue(query.image_url)?.trim() ?? ''
  if (url === '') throw new InvalidInputError('Missing required field: image_url', 'field-missing')
  const address = readPageAddress(url)
  if (address?.page !== 'image') throw new InvalidInputError('The address is not that of an image page of CivitAI', 'not-an-image-page')
  const { imageId } = address
  const known = legacyBoolean(query.force) ? undefined : shelf.byImageId(String(imageId))[0]
  if (known !== undefined) return { recipe_id: known, name: shelf.get(known)?.document.title ?? '', already_exists: true }
  return await lanes.run(async () => await images.fromUrl(url, { urgent: true }, async (image) => {
    const draft = await maker.compose(image, { fallbackTitle: `Civitai Image ${imageId}`, source_path: url }, { urgent: true })
    return saveResult(await maker.save(draft, image, { route: 'import-from-url' }))
  }))
}

import { readPageAddress } from '../../services/civitai/addresses.ts'
import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { Lanes } from '../../services/images/lanes.ts'
import type { Recipe, RecipeShelf } from '../../services/recipes/ports.ts'
import type { ReadablePlaces } from '../../services/recipes/readable-places.ts'
import type { RecipeDraft, RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import { RECIPE_FIELD_ORDER, type RecipeDocument } from '../../services/recipes/schema.ts'
import type { SourceImage, SourceImages } from '../../services/recipes/source-images.ts'
import { requireFile } from './analyze-image.ts'

interface Deps { images: SourceImages, maker: RecipeMaker, lanes: Lanes, places: ReadablePlaces, shelf: Pick<RecipeShelf, 'get'> }

/**
 * Imports a recipe anew from where it came (recipes §13.3): same id, folder and date, and what the user gave it. Nothing is
 * replaced by less than there was: when the source tells less now, the recipe stays.
 * @throws NotFoundError; InvalidInputError for a recipe without a usable source, or one that tells less; DomainError `invalid`
 */
export const reimportRecipe = ({ images, maker, lanes, places, shelf }: Deps) => async (id: string): Promise<{ old_recipe_id: string, recipe_id: string, source_path: string }> => {
  const recipe = shelf.get(id)
  if (!recipe) throw new NotFoundError(`Recipe ${id} not found`, 'recipe-not-found')
  const source = typeof recipe.document.source_path === 'string' ? recipe.document.source_path.trim() : ''
  if (source === '') throw new InvalidInputError('The recipe does not say where it came from', 'source-missing')

  const replace = async (image: SourceImage): Promise<void> => {
    if (!image.image) throw new InvalidInputError('No metadata was found in the source; the recipe stays as it is', 'source-empty')
    const draft = await maker.compose(image, { fallbackTitle: recipe.document.title, source_path: source }, { urgent: true })
    requireNoLess(recipe, draft)
    await maker.save(keptBy(recipe.document, draft), image, { route: 'reimport', replaces: id })
  }

  if (readPageAddress(source)?.page === 'image') {
    await lanes.run(async () => { await images.fromUrl(source, { urgent: true }, replace) })
  } else {
    await images.fromFile(await localFile(places, source), { urgent: true }, replace)
  }
  return { old_recipe_id: id, recipe_id: id, source_path: source }
}

async function localFile (places: ReadablePlaces, source: string): Promise<string> {
  if (/^https?:/i.test(source)) throw new InvalidInputError('The source is neither an image page of CivitAI nor a file', 'source-unusable')
  const file = places.resolve(source)
  await requireFile(file).catch((error: unknown) => {
    throw error instanceof NotFoundError ? new InvalidInputError('The file that the recipe came from is not there', 'source-missing') : error
  })
  return file
}

/** A provider that does not answer must not cost what is known. */
function requireNoLess ({ document }: Recipe, draft: RecipeDraft): void {
  const { loras, gen_params: params } = document
  const promptLost = Boolean(params.prompt) && !draft.gen_params.prompt
  const allLost = Object.keys(params).length > 0 && Object.keys(draft.gen_params).length === 0
  if (loras.length > draft.loras.length || promptLost || allLost) throw new InvalidInputError('The source tells less than the recipe has; the recipe stays as it is', 'source-tells-less')
}

/** What the user gave the recipe goes before what the source says. */
function keptBy (document: RecipeDocument, draft: RecipeDraft): RecipeDraft {
  const { title, tags, preview_nsfw_level: level, base_model: base, checkpoint, favorite } = document
  const foreign = Object.entries(document).filter(([key]) => !RECIPE_FIELD_ORDER.includes(key))
  return {
    ...draft,
    title,
    tags: tags ?? draft.tags,
    preview_nsfw_level: level ?? draft.preview_nsfw_level,
    base_model: draft.base_model || (base ?? ''),
    checkpoint: draft.checkpoint ?? checkpoint ?? null,
    kept: { ...(favorite !== undefined && { favorite }), ...Object.fromEntries(foreign) }
  }
}

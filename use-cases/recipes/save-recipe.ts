import { stat } from 'node:fs/promises'
import { InvalidInputError } from '../../services/errors.ts'
import { isObject, readTexts } from '../../services/models/read-value.ts'
import { canonicalGenParams } from '../../services/recipes/gen-params.ts'
import type { MediaIntake } from '../../services/recipes/media-intake.ts'
import type { RecipeMatch, SavedRecipe } from '../../services/recipes/ports.ts'
import type { RecipeDraft, RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import { storedLoras } from '../../services/recipes/stored-lora.ts'
import { withForm, type FormPart, type ReceivedForm } from './upload-parts.ts'

interface Deps { intake: MediaIntake, maker: RecipeMaker }

export interface SaveResult { recipe_id: string, image_path: string, json_path: string, matching_recipes: RecipeMatch[] }

/**
 * Saves a recipe as a dialog of clients sends it (recipes §12.1). What is missing or unusable leaves no file.
 * @throws InvalidInputError, OfflineError; DomainError `too-large`
 */
export const saveRecipe = ({ intake, maker }: Deps) => async (parts: AsyncIterable<FormPart>): Promise<SaveResult> =>
  await withForm(intake, parts, { image: intake.keep, image_base64: intake.keepBase64 }, async (form) => {
    const name = form.fields.get('name') ?? ''
    const metadata = form.fields.get('metadata') ?? ''
    if (name.trim() === '' || metadata === '') throw new InvalidInputError('Missing required fields: name, metadata', 'field-missing')
    const draft = draftOf(name, parsed(metadata), parsed(form.fields.get('tags') ?? ''))
    const file = await imageOf(intake, form)
    return saveResult(await maker.save(draft, { file, extension: form.fields.get('extension') }, { route: 'save' }))
  })

export function saveResult ({ document, imagePath, jsonPath, matches }: SavedRecipe): SaveResult {
  return { recipe_id: document.id, image_path: imagePath, json_path: jsonPath, matching_recipes: matches }
}

/** Bytes win over base64 text, and both over an address. */
async function imageOf (intake: MediaIntake, { fields, files }: ReceivedForm): Promise<string> {
  for (const part of ['image', 'image_base64']) {
    const file = files.get(part)
    if (file !== undefined && (await stat(file)).size > 0) return file
  }
  const url = fields.get('image_url')?.trim() ?? ''
  if (url === '') throw new InvalidInputError('No image data provided', 'image-missing')
  const fetched = await intake.fetch(url)
  files.set('image_url', fetched)
  return fetched
}

function draftOf (title: string, given: unknown, tags: unknown): RecipeDraft {
  const metadata = isObject(given) ? given : {}
  const { base_model: baseModel, loras, checkpoint, model, gen_params: params, raw_metadata: raw, source_path: source, preview_nsfw_level: level } = metadata
  const own = isObject(params) && Object.keys(params).length > 0 ? params : raw
  const chosen = [checkpoint, model, isObject(params) ? params.checkpoint : undefined].find(isObject)
  return {
    title,
    tags: readTexts(tags),
    base_model: typeof baseModel === 'string' ? baseModel : '',
    loras: storedLoras(loras),
    checkpoint: chosen ?? null,
    gen_params: canonicalGenParams(own),
    source_path: typeof source === 'string' ? source : undefined,
    preview_nsfw_level: typeof level === 'number' && Number.isSafeInteger(level) && level > 0 ? level : 0
  }
}

/** Text that is no JSON counts as nothing. */
function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { readObject, readText } from '../../services/models/read-value.ts'
import { modelsAtPath, modelsNamed, ofBaseModel } from '../../services/recipes/bind-entry.ts'
import { withoutWeightEnding } from '../../services/recipes/checkpoint-entry.ts'
import type { RecipeMatch, RecipeShelf } from '../../services/recipes/ports.ts'
import type { RecipeLoraEntry } from '../../services/recipes/schema.ts'

interface Deps {
  recipes: RecipeShelf
  library: Pick<ModelLibrary, 'index' | 'sidecar' | 'hashFile'>
  /** Milliseconds since 1970. */
  now: () => number
}

export interface ReconnectBody { recipe_id?: unknown, lora_index?: unknown, target_name?: unknown }

/** Connects an entry of a recipe with a LoRA of the library that the user names. @throws InvalidInputError, NotFoundError, HashingError */
export const reconnectLora = (deps: Deps) => async (body: ReconnectBody): Promise<{ recipe_id: string, updated_lora: Record<string, unknown>, matching_recipes: RecipeMatch[] }> => {
  const { id, at, name } = readBody(body)
  const recipe = deps.recipes.get(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  if (at >= recipe.document.loras.length) throw new NotFoundError('LoRA index out of range', 'lora-not-found')
  const model = findTarget(deps.library.index, name, recipe.document.base_model ?? '')
  // one that is so new that it was not hashed yet: a connection without a hash would be a guess ever after
  const sha256 = model.sha256 || await deps.library.hashFile(model.file_path)
  const connected = connection(deps.library, { ...model, sha256 })
  const { document } = await deps.recipes.edit(id, (now) => {
    const entry = now.loras[at]
    if (!entry) throw new NotFoundError('LoRA index out of range', 'lora-not-found')
    return { ...now, loras: now.loras.with(at, { ...entry, ...connected }), modified: deps.now() / 1000 }
  }, { route: 'reconnect-lora', summary: `Connect a LoRA of ${recipe.document.title} with ${model.file_name}`.slice(0, 200) })
  return {
    recipe_id: id,
    updated_lora: deps.recipes.presentLora(document.loras[at] ?? {}, document.base_model ?? ''),
    matching_recipes: deps.recipes.byFingerprint(document.fingerprint ?? '', { except: id })
  }
}

function readBody ({ recipe_id: id, lora_index: index, target_name: name }: ReconnectBody): { id: string, at: number, name: string } {
  if (typeof id !== 'string' || id === '') throw new InvalidInputError('recipe_id is required')
  if (index === undefined || index === null || index === '') throw new InvalidInputError('lora_index is required')
  if (typeof name !== 'string' || name.trim() === '') throw new InvalidInputError('target_name is required')
  const at = typeof index === 'number' ? index : typeof index === 'string' && /^[+-]?\d+$/.test(index.trim()) ? Number(index) : NaN
  if (!Number.isSafeInteger(at) || at < 0) throw new InvalidInputError('lora_index must be a whole number from 0')
  return { id, at, name: name.trim() }
}

/** The one LoRA of that name that fits the recipe's base model. */
function findTarget (index: ModelLibrary['index'], name: string, baseModel: string): IndexedModel {
  const wanted = withoutWeightEnding(name).replace(/^\/+/, '')
  const candidates = wanted.includes('/') ? modelsAtPath(index, wanted) : modelsNamed(index, wanted)
  const [model, ...others] = ofBaseModel(candidates, baseModel)
  if (model && others.length === 0) return model
  if (candidates.length > 1) throw new InvalidInputError(`More than one LoRA is named "${name}"; give its folder too (folder/name)`, 'lora-ambiguous')
  if (candidates.length === 1) throw new InvalidInputError(`"${name}" is for another base model (${candidates[0]?.base_model ?? ''}) than the recipe (${baseModel})`, 'base-model-differs')
  throw new NotFoundError(`No LoRA named "${name}" is in the library`, 'lora-not-found')
}

function connection ({ index, sidecar }: Deps['library'], model: IndexedModel): RecipeLoraEntry {
  const civitai = readObject(sidecar(model.file_path)?.civitai)
  const unique = modelsNamed(index, model.file_name).length === 1 || model.folder === ''
  return {
    isDeleted: false,
    exclude: false,
    file_name: unique ? model.file_name : `${model.folder}/${model.file_name}`,
    hash: model.sha256.toLowerCase(),
    modelName: readText(readObject(civitai?.model)?.name) || model.model_name,
    ...(model.civitai?.name !== undefined && { modelVersionName: model.civitai.name }),
    ...(model.civitai?.id !== undefined && { modelVersionId: model.civitai.id })
  }
}

import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import { floatText, readNumber } from '../../services/recipes/float-text.ts'
import type { RecipeLoraEntry } from '../../services/recipes/schema.ts'

type Deps = { recipes: Pick<RecipeShelf, 'read' | 'bindLora'> }

/** `<lora:name:strength>` of every usable LoRA. @throws NotFoundError; InvalidInputError when none is usable */
export const getSyntax = ({ recipes }: Deps) => async (id: string): Promise<{ syntax: string }> => {
  const recipe = await recipes.read(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  const { loras, base_model: baseModel } = recipe.document
  const tokens = loras.flatMap((entry) => tokenOf(recipes, entry, baseModel ?? ''))
  if (tokens.length === 0) throw new InvalidInputError('No LoRAs found in this recipe that can be used', 'recipe-without-loras')
  return { syntax: tokens.join(' ') }
}

function tokenOf (recipes: Deps['recipes'], entry: RecipeLoraEntry, baseModel: string): string[] {
  const name = nameOf(recipes, entry, baseModel)
  if (name === null) return []
  return [`<lora:${name}:${floatText(readNumber(entry.strength ?? entry.weight) ?? 1)}>`]
}

/** null: it is gone from where it came from, and not here. */
function nameOf (recipes: Deps['recipes'], entry: RecipeLoraEntry, baseModel: string): string | null {
  const binding = recipes.bindLora(entry, baseModel)
  if (binding.state === 'bound') return inFolder(binding.model.folder, binding.model.file_name)
  if (entry.isDeleted === true) return null
  return inFolder(typeof entry.folder === 'string' ? entry.folder : '', entry.file_name || 'unknown-lora')
}

function inFolder (folder: string, name: string): string {
  return folder === '' || name.includes('/') ? name : `${folder}/${name}`
}

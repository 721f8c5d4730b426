import { InvalidInputError } from '../../services/errors.ts'
import { isObject } from '../../services/models/read-value.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'

/** What may be changed, and what its values are. */
const fields: Readonly<Record<string, { check: Check, expected: string }>> = {
  title: { check: (value) => isText(value) && String(value).trim() !== '', expected: 'a text' },
  tags: { check: (value) => Array.isArray(value) && value.every(isText), expected: 'a list of texts' },
  source_path: { check: (value) => value === null || isText(value), expected: 'a text' },
  preview_nsfw_level: { check: (value) => Number.isInteger(value) && Number(value) >= 0, expected: 'a whole number' },
  favorite: { check: (value) => typeof value === 'boolean', expected: 'true or false' },
  gen_params: { check: isObject, expected: 'an object' },
  base_model: { check: (value) => value === null || isText(value), expected: 'a text' }
}

/** Changes members of a recipe that users may change; `modified` stays, so that a star does not move it in the lists. @throws InvalidInputError, NotFoundError */
export const updateRecipe = ({ recipes }: { recipes: Pick<RecipeShelf, 'edit'> }) => async (id: string, body: Record<string, unknown>) => {
  const updates = Object.fromEntries(Object.entries(body).filter(([name]) => Object.hasOwn(fields, name)))
  const names = Object.keys(updates)
  if (names.length === 0) throw new InvalidInputError(`At least one field to update must be provided (${Object.keys(fields).join(', ')})`)
  for (const name of names) {
    const field = fields[name]
    if (field && !field.check(updates[name])) throw new InvalidInputError(`${name} must be ${field.expected}`)
  }
  await recipes.edit(id, (document) => ({ ...document, ...updates }), { route: 'update-recipe', summary: `Edit ${names.join(', ')} of a recipe` })
  return { recipe_id: id, updates }
}

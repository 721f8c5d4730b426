import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import type { Counts, Sweep } from '../../services/recipes/sweep.ts'

export type SweptShelf = Pick<RecipeShelf, 'get' | 'ids' | 'edit' | 'present'>
export type Shown = Record<string, unknown>

export const unknownRecipe = (id: string): NotFoundError => new NotFoundError(`Recipe ${id} not found`, 'recipe-not-found')

/** @throws InvalidInputError for anything but a list of ids */
export function readRecipeIds (body: Record<string, unknown>): string[] {
  const ids = body.recipe_ids
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every((id) => typeof id === 'string')) throw new InvalidInputError('recipe_ids are required', 'field-missing')
  return [...new Set(ids)]
}

/** The frame that was last sent. @throws NotFoundError before the first run, with the text under `message` too */
export const sweepProgress = (sweep: Sweep, what: string) => (): Shown => {
  const frame = sweep.progress()
  if (!frame) throw new NotStartedError(`No ${what} in progress`)
  return frame
}

class NotStartedError extends NotFoundError {
  constructor (message: string) {
    super(message, 'not-started')
    this.fields.message = message
  }
}

export function titleOf (shelf: Pick<RecipeShelf, 'get'>, id: string): string {
  return shelf.get(id)?.document.title ?? id
}

export function add (counts: Counts, more: Counts): void {
  for (const [key, value] of Object.entries(more)) counts[key] = (counts[key] ?? 0) + value
}

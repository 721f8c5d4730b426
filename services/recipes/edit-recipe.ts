import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { ConflictError, NotFoundError } from '../errors.ts'
import { containedIn } from '../files/safe-path.ts'
import { failureOf } from '../journal/errors.ts'
import type { Step } from '../journal/types.ts'
import type { ChangeContext } from './change-context.ts'
import { embedRecipeMetadata } from './embed-recipe-metadata.ts'
import { fingerprint } from './fingerprint.ts'
import { statFile } from './image-facts.ts'
import type { ChangeOptions, Recipe, RecipeShelf } from './ports.ts'
import { editRecipeText, isVideoFile, readRecipe } from './recipe-file.ts'
import { readRecipeFile, type ReadRecipeFile } from './recipe-row.ts'
import { recipeMarker } from './recipe-marker.ts'
import type { StoredRecipe } from './recipe-store.ts'
import type { RecipeDocument } from './schema.ts'

/** Another program that writes the same file all the time is given way to after this. */
const TRIES = 5

/** Edits documents of recipes one after the other per recipe, from what their files say now. */
export function createRecipeEditor (context: ChangeContext): RecipeShelf['edit'] {
  return async (id, change, options) => {
    const entry = context.index.get(id)
    if (!entry) throw new NotFoundError('Recipe not found', 'recipe-not-found')
    context.online()
    return await context.paths.runAll([entry.jsonPath, entry.image.path].filter((path) => path !== ''), async () => await editHeld(context, id, change, options))
  }
}

async function editHeld (context: ChangeContext, id: string, change: (document: RecipeDocument) => RecipeDocument | null, options: ChangeOptions): Promise<Recipe> {
  for (let tries = 1; ; tries++) {
    const session = context.online()
    const entry = context.index.get(id)
    const file = entry && await readRecipeFile(entry.jsonPath)
    if (!entry || !file) throw new NotFoundError('Recipe not found', 'recipe-not-found')
    if ('problem' in file) throw new ConflictError(`The file of the recipe cannot be used: ${file.problem}`, 'recipe-broken')
    const before = readRecipe(file.raw, { imagePath: entry.image.path, folder: entry.folder })
    const after = edited(before, change)
    if (after === null || isDeepStrictEqual(before, after)) return await upToDate(context, id)
    const steps = await editSteps(context, session.root, entry, file, { before, after })
    const { id: operation, units: [unit] } = await context.journal.run({ kind: 'edit', route: options.route, summary: options.summary ?? `Edit recipe ${after.title}`.slice(0, 200), units: [{ key: entry.jsonPath, label: after.title, steps }] })
    const raced = unit?.error?.code === 'source-changed'
    const failure = failureOf(unit)
    if (failure && (!raced || tries >= TRIES)) throw failure
    await session.refresh(entry.jsonPath)
    if (failure) continue
    context.announce({ updated: [id] }, operation)
    return await upToDate(context, id)
  }
}

function edited (before: RecipeDocument, change: (document: RecipeDocument) => RecipeDocument | null): RecipeDocument | null {
  const after = change(structuredClone(before))
  if (after === null) return null
  const { id, file_path: path, folder } = before
  const next = { ...after, id, file_path: path, ...(folder !== undefined && { folder }) }
  return isDeepStrictEqual(before.loras, next.loras) ? next : { ...next, fingerprint: fingerprint(next.loras) }
}

async function upToDate (context: ChangeContext, id: string): Promise<Recipe> {
  const recipe = context.read(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  return recipe
}

/** The document, and the image when what it carries of the recipe is another; an image that can't be read or written stays. */
async function editSteps ({ logger }: ChangeContext, root: string, { jsonPath, image }: StoredRecipe, file: ReadRecipeFile, { before, after }: { before: RecipeDocument, after: RecipeDocument }): Promise<Step[]> {
  const expected = { size: file.stats.size, mtimeMs: file.stats.mtimeMs }
  const json: Step = { kind: 'write', path: jsonPath, data: editRecipeText(file, before, after), expected }
  const carries = containedIn(root, image.path) && !isVideoFile(image.path)
  if (!carries || recipeMarker(before) === recipeMarker(after)) return [json]
  try {
    const stats = await statFile(image.path)
    const data = stats && await embedRecipeMetadata(await readFile(image.path), after)
    return data ? [{ kind: 'write', path: image.path, data, expected: { size: stats.size, mtimeMs: stats.mtimeMs } }, json] : [json]
  } catch (error) {
    logger.warn({ err: error, image: image.path }, 'the image of a recipe does not follow its document')
    return [json]
  }
}

import { basename, dirname } from 'node:path'
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts'
import { failureOf } from '../journal/errors.ts'
import { editJsonText } from '../models/edit-json-text.ts'
import type { Step } from '../journal/types.ts'
import type { ChangeContext } from './change-context.ts'
import type { ChangeOptions, MovedRecipe, RecipeShelf } from './ports.ts'
import { recipeFolder, recipeMedia } from './recipe-files.ts'
import { readRecipeFile } from './recipe-row.ts'
import { factsOf, type StoredRecipe } from './recipe-store.ts'

/** Moves a recipe with all of its files to another folder of the recipe directory. */
export function createRecipeMove (context: ChangeContext): RecipeShelf['move'] {
  return async (id, target, options) => {
    if (target.trim() === '') throw new InvalidInputError('target_path is required')
    const { root } = context.online()
    const place = recipeFolder(root, target)
    const entry = context.index.get(id)
    if (!entry) throw new NotFoundError('Recipe not found', 'recipe-not-found')
    return await context.paths.runAll([entry.jsonPath, entry.image.path].filter((path) => path !== ''), async () => {
      const now = context.index.get(id)
      if (!now) throw new NotFoundError('Recipe not found', 'recipe-not-found')
      return await moveHeld(context, now, place, options)
    })
  }
}

async function moveHeld (context: ChangeContext, entry: StoredRecipe, { directory, folder }: { directory: string, folder: string }, options: ChangeOptions): Promise<MovedRecipe> {
  const session = context.online()
  const { recipeId: id, jsonPath, image } = entry
  const { title } = factsOf(entry)
  const about = { id, from: image.path, folder }
  if (dirname(jsonPath) === directory) return { ...about, moved: false, to: image.path, jsonPath }
  const file = await readRecipeFile(jsonPath)
  if (!file) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  if ('problem' in file) throw new ConflictError(`The file of the recipe cannot be used: ${file.problem}`, 'recipe-broken')
  const there = (path: string): string => `${directory}/${basename(path)}`
  const media = await recipeMedia(session.root, { jsonPath, imagePath: image.path })
  const imagePath = media.includes(image.path) ? there(image.path) : image.path
  const data = editJsonText(file.bytes, file.raw, { ...file.raw, file_path: imagePath, folder })
  const steps: Step[] = [...media, jsonPath].map((path) => ({ kind: 'move', from: path, to: there(path) }))
  steps.push({ kind: 'write', path: there(jsonPath), data, expected: { size: file.stats.size, mtimeMs: file.stats.mtimeMs } })
  const { id: operation, units: [unit] } = await context.journal.run({ kind: 'move', route: options.route, summary: options.summary ?? `Move recipe ${title}`.slice(0, 200), units: [{ key: jsonPath, label: title, steps }] })
  const failure = failureOf(unit)
  if (failure) throw failure
  await session.refresh(jsonPath)
  await session.refresh(there(jsonPath))
  context.announce({ updated: [id] }, operation)
  return { ...about, moved: true, to: imagePath, jsonPath: there(jsonPath) }
}

import { randomUUID } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts'
import { failureOf } from '../journal/errors.ts'
import type { Step } from '../journal/types.ts'
import { isObject, readText } from '../models/read-value.ts'
import { embeddedTexts } from '../images/embedded-texts.ts'
import { readImageMetadata } from '../images/read-metadata.ts'
import type { ChangeContext } from './change-context.ts'
import { fingerprint } from './fingerprint.ts'
import type { ChangeOptions, NewRecipe, RecipeShelf, SavedRecipe } from './ports.ts'
import { RECIPE_ENDING, isSafeId, isVideoFile, newRecipeText } from './recipe-file.ts'
import { dropDirectories, makeDirectory, mediaEnding, recipeFolder, recipeMedia, stageMedia } from './recipe-files.ts'
import { recipeMatch } from './recipe-lookups.ts'
import { RECIPE_FIELD_ORDER } from './schema.ts'

interface Plan {
  id: string
  directory: string
  jsonPath: string
  imagePath: string
  /** `<path of the original>`, or null without one. */
  originalPath: string | null
  document: Record<string, unknown>
}

/** Writes new recipes, and anew those that were imported again: image and document as one change. */
export function createRecipeWriter (context: ChangeContext): Pick<RecipeShelf, 'add' | 'replace'> {
  return {
    async add (recipe, options) {
      const { root } = context.online()
      const id = options.id ?? randomUUID()
      if (!isSafeId(id)) throw new InvalidInputError('The id cannot be the name of a file', 'id-invalid')
      if (context.index.get(id)) throw new ConflictError('There is a recipe of this id', 'recipe-exists')
      const plan = await planRecipe(recipe, id, recipeFolder(root, recipe.folder ?? ''), context.now())
      return await write(context, recipe, plan, [], { ...options, created: true })
    },
    async replace (id, recipe, options) {
      const { root } = context.online()
      const entry = context.index.get(id)
      if (!entry) throw new NotFoundError('Recipe not found', 'recipe-not-found')
      const { folder, jsonPath, created, image } = entry
      const plan = await planRecipe(recipe, id, recipeFolder(root, folder), created || context.now())
      const old = await recipeMedia(root, { jsonPath, imagePath: image.path })
      const steps = old.map((path): Step => ({ kind: 'trash', path }))
      return await write(context, recipe, { ...plan, jsonPath }, steps, { ...options, created: false })
    }
  }
}

async function planRecipe (recipe: NewRecipe, id: string, { directory, folder }: { directory: string, folder: string }, created: number): Promise<Plan> {
  const stem = `${directory}/${id}`
  const imagePath = stem + mediaEnding(recipe.image.extension)
  const originalPath = recipe.original ? `${stem}.original${mediaEnding(recipe.original.extension)}` : null
  const loras = Array.isArray(recipe.document.loras) ? recipe.document.loras.filter(isObject) : []
  const known: Record<string, unknown> = {
    base_model: '',
    gen_params: {},
    ...recipe.document,
    id,
    file_path: imagePath,
    created_date: created,
    modified: created,
    loras,
    fingerprint: fingerprint(loras),
    has_workflow: recipe.document.has_workflow ?? await carriesWorkflow(recipe, imagePath),
    folder
  }
  const names = [...RECIPE_FIELD_ORDER, ...Object.keys(known).filter((name) => !RECIPE_FIELD_ORDER.includes(name))]
  const document = Object.fromEntries(names.filter((name) => known[name] !== undefined && known[name] !== null).map((name) => [name, known[name]]))
  return { id, directory, jsonPath: stem + RECIPE_ENDING, imagePath, originalPath, document }
}

async function carriesWorkflow ({ image }: NewRecipe, imagePath: string): Promise<boolean> {
  if (isVideoFile(imagePath)) return false
  const metadata = await readImageMetadata('file' in image ? image.file : Buffer.from(image.data), { stealth: false })
  return (embeddedTexts(metadata).workflow ?? '') !== ''
}

async function write (context: ChangeContext, recipe: NewRecipe, plan: Plan, before: readonly Step[], options: ChangeOptions & { created: boolean }): Promise<SavedRecipe> {
  const { jsonPath, imagePath, originalPath, document } = plan
  const paths = [jsonPath, imagePath, ...originalPath === null ? [] : [originalPath]]
  return await context.paths.runAll(paths, async () => {
    const session = context.online()
    const matches = context.matching(readText(document.fingerprint), plan.id).map(recipeMatch)
    const operation = await carryOut(context, recipe, plan, before, options)
    await session.refresh(jsonPath)
    const saved = context.read(plan.id)
    if (!saved) throw new NotFoundError('The recipe is gone', 'recipe-not-found')
    context.announce(options.created ? { created: [plan.id] } : { updated: [plan.id] }, operation)
    return { ...saved, operation, matches }
  })
}

/** Everything that fails before the journal has the files is taken away here; after that, by the journal. */
async function carryOut (context: ChangeContext, recipe: NewRecipe, plan: Plan, before: readonly Step[], options: ChangeOptions & { created: boolean }): Promise<string> {
  const first = await makeDirectory(plan.directory)
  const staged: (Step & { kind: 'create' })[] = []
  try {
    if (recipe.original && plan.originalPath !== null) staged.push(await stageMedia(recipe.original, plan.originalPath, null))
    staged.push(await stageMedia(recipe.image, plan.imagePath, plan.document))
    const json: Step = { kind: 'write', path: plan.jsonPath, data: newRecipeText(plan.document), ...(options.created && { expected: 'absent' as const }) }
    const title = readText(plan.document.title)
    const { id, units: [unit] } = await context.journal.run({
      kind: options.created ? 'create' : 'edit',
      route: options.route,
      summary: options.summary ?? `${options.created ? 'Save' : 'Import again'} recipe ${title}`.slice(0, 200),
      units: [{ key: plan.jsonPath, label: title, steps: [...before, ...staged, json] }]
    })
    const failure = failureOf(unit)
    if (failure) throw failure
    return id
  } catch (error) {
    for (const { from } of staged) await unlink(from).catch(() => undefined)
    await dropDirectories(plan.directory, first)
    throw error
  }
}

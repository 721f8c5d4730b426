import { stat } from 'node:fs/promises'
import { InvalidInputError } from '../../services/errors.ts'
import { isObject } from '../../services/models/read-value.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { MediaIntake } from '../../services/recipes/media-intake.ts'
import type { RecipeShelf, SavedRecipe } from '../../services/recipes/ports.ts'
import type { RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import type { RecipeLoraEntry } from '../../services/recipes/schema.ts'
import { withForm, type FormPart } from './upload-parts.ts'

interface Deps { intake: MediaIntake, maker: RecipeMaker, shelf: Pick<RecipeShelf, 'bindLora' | 'bindCheckpoint'> }

export interface WidgetResult { recipe_id: string, image_path: string, json_path: string, recipe_name: string }

const unavailable = (): InvalidInputError => new InvalidInputError('Metadata collection not available', 'widget-missing')
const TAG = /<lora:([^:<>]{1,500}):([^:<>]{1,40})(?::[^<>]{0,40})?>/g
const TITLE_LORAS = 3

/**
 * Saves the last generation of a node as it sends it: its metadata and the first image (recipes §9.5, §12.2). There is no
 * generation of our own to take.
 * @throws InvalidInputError without either
 */
export const saveFromWidget = (deps: Deps) => async (body: AsyncIterable<FormPart> | Record<string, unknown>): Promise<WidgetResult> => {
  if (Symbol.asyncIterator in body) {
    return await withForm(deps.intake, body as AsyncIterable<FormPart>, { image: deps.intake.keep, image_base64: deps.intake.keepBase64 }, async ({ fields, files }) =>
      await save(deps, parsed(fields.get('metadata') ?? ''), files.get('image') ?? files.get('image_base64')))
  }
  const { metadata, image } = body
  const file = typeof image === 'string' && image !== '' ? await deps.intake.keepBase64(Buffer.from(image, 'latin1')) : undefined
  try {
    return await save(deps, metadata, file)
  } finally {
    if (file !== undefined) await deps.intake.remove(file)
  }
}

async function save (deps: Deps, metadata: unknown, file: string | undefined): Promise<WidgetResult> {
  if (metadata === undefined || metadata === null) throw unavailable()
  if (!isObject(metadata) || Object.keys(metadata).length === 0) throw new InvalidInputError('No generation metadata found', 'metadata-missing')
  if (file === undefined || (await stat(file)).size === 0) throw new InvalidInputError('No image of the generation found', 'image-missing')
  const { loras: stack, checkpoint: named, ...params } = metadata
  const text = typeof stack === 'string' ? stack : ''
  const found = [...text.matchAll(TAG)].map(([, name = '', weight = '']) => loraOf(deps, name, Number(weight)))
  const checkpoint = checkpointOf(deps, named)
  const title = found.slice(0, TITLE_LORAS).map(({ name, entry }) => `${name}-${Number(entry.strength).toFixed(2)}`).join('_') || 'recipe'
  const saved = await deps.maker.save({
    title,
    tags: [],
    base_model: mostFrequent(found.flatMap(({ model }) => model?.base_model || [])) || checkpoint?.baseModel || '',
    loras: found.map(({ entry }) => entry),
    checkpoint: checkpoint?.entry ?? null,
    gen_params: Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== '')),
    loras_stack: text,
    preview_nsfw_level: 0
  }, { file }, { route: 'save-from-widget' })
  return resultOf(saved, title)
}

function resultOf ({ document, imagePath, jsonPath }: SavedRecipe, title: string): WidgetResult {
  return { recipe_id: document.id, image_path: imagePath, json_path: jsonPath, recipe_name: title }
}

function loraOf ({ shelf }: Deps, name: string, weight: number): { name: string, model: IndexedModel | null, entry: RecipeLoraEntry } {
  const binding = shelf.bindLora({ file_name: name })
  const model = binding.state === 'bound' ? binding.model : null
  return {
    name,
    model,
    entry: {
      file_name: model?.file_name ?? name,
      hash: model?.sha256 ?? '',
      strength: Number.isFinite(weight) ? weight : 1,
      modelVersionId: model?.civitai?.id ?? 0,
      modelName: model ? model.model_name || name : '',
      modelVersionName: model?.civitai?.name ?? '',
      isDeleted: false,
      exclude: false
    }
  }
}

function checkpointOf ({ shelf }: Deps, named: unknown): { entry: Record<string, unknown>, baseModel: string } | null {
  if (typeof named !== 'string' || named.trim() === '') return null
  const name = named.trim()
  const stem = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1).replace(/\.(?:safetensors|ckpt|pt|pt2|bin|pth|pkl|sft|gguf)$/i, '')
  const binding = shelf.bindCheckpoint({ name, file_name: name })
  if (binding.state !== 'bound') return { entry: { type: 'checkpoint', name, file_name: stem, hash: '' }, baseModel: '' }
  const { model_name: modelName, file_name: fileName, sha256, civitai, base_model: baseModel } = binding.model
  return {
    entry: { type: 'checkpoint', modelId: civitai?.modelId, modelVersionId: civitai?.id, name: modelName, version: civitai?.name, hash: sha256, file_name: fileName, baseModel },
    baseModel
  }
}

function mostFrequent (values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  let best = ''
  for (const [value, count] of counts) if (count > (counts.get(best) ?? 0)) best = value
  return best
}

function parsed (text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return null
  }
}

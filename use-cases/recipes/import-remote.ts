import { InvalidInputError } from '../../services/errors.ts'
import type { Lanes } from '../../services/images/lanes.ts'
import { isObject } from '../../services/models/read-value.ts'
import { firstValue, type QueryValue } from '../../services/query-values.ts'
import type { RecipeMaker } from '../../services/recipes/recipe-maker.ts'
import type { RecipeLoraEntry } from '../../services/recipes/schema.ts'
import type { SourceImages } from '../../services/recipes/source-images.ts'
import { integer, storedLora } from '../../services/recipes/stored-lora.ts'
import type { RecipeVersions } from '../../services/recipes/version-lookups.ts'
import { saveResult, type SaveResult } from './save-recipe.ts'

interface Deps { images: SourceImages, maker: RecipeMaker, versions: RecipeVersions, lanes: Lanes }

export interface RemoteImportQuery {
  image_url?: QueryValue
  name?: QueryValue
  resources?: QueryValue
  gen_params?: QueryValue
  tags?: QueryValue
  base_model?: QueryValue
  source_path?: QueryValue
}

const loraTypes = new Set(['lora', 'lycoris', 'locon', 'dora'])

/**
 * Imports an image with the resources that an extension read on its page (recipes §13.1).
 * @throws InvalidInputError, AddressRefusedError; DomainError `invalid` when the image can't be had
 */
export const importRemote = ({ images, maker, versions, lanes }: Deps) => async (query: RemoteImportQuery): Promise<SaveResult> => {
  const url = required('image_url', query.image_url)
  const title = required('name', query.name)
  const { loras, checkpoint } = readResources(required('resources', query.resources))
  const request = readParams(firstValue(query.gen_params) ?? '')
  const base = (firstValue(query.base_model) ?? '').trim() || await baseModelOf(versions, checkpoint)
  return await lanes.run(async () => await images.fromUrl(url, { urgent: true }, async (image) => {
    const draft = await maker.compose(image, {
      title,
      fallbackTitle: title,
      tags: (firstValue(query.tags) ?? '').split(',').map((tag) => tag.trim()).filter(Boolean),
      loras,
      checkpoint,
      base_model: base,
      gen_params: request,
      source_path: (firstValue(query.source_path) ?? '').trim() || url
    }, { urgent: true })
    return saveResult(await maker.save(draft, image, { route: 'import-remote' }))
  }))
}

function required (name: string, value: QueryValue): string {
  const text = firstValue(value)?.trim() ?? ''
  if (text === '') throw new InvalidInputError(`Missing required field: ${name}`, 'field-missing')
  return text
}

function readResources (text: string): { loras: RecipeLoraEntry[], checkpoint: Record<string, unknown> | null } {
  const list = parsed('resources', text)
  if (!Array.isArray(list)) throw new InvalidInputError('resources must be a JSON array')
  const loras: RecipeLoraEntry[] = []
  let checkpoint: Record<string, unknown> | null = null
  for (const entry of list.filter(isObject)) {
    const { modelName, modelVersionName, modelVersionId, modelId, weight } = entry
    const type = String(entry.type ?? '').toLowerCase()
    if (type === 'checkpoint') {
      checkpoint ??= { type: 'checkpoint', modelId: integer(modelId), modelVersionId: integer(modelVersionId), modelName: textOf(modelName), modelVersionName: textOf(modelVersionName) }
    } else if (loraTypes.has(type)) {
      const lora = storedLora({ file_name: modelName, weight, id: modelVersionId, name: modelName, version: modelVersionName })
      if (lora) loras.push(lora)
    }
  }
  return { loras, checkpoint }
}

function readParams (text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  const params = parsed('gen_params', text)
  if (params === null) return {}
  if (!isObject(params)) throw new InvalidInputError('gen_params must be a JSON object')
  return params
}

function parsed (name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidInputError(`${name} is not valid JSON`, 'invalid-input', { cause: error })
  }
}

async function baseModelOf (versions: RecipeVersions, checkpoint: Record<string, unknown> | null): Promise<string> {
  const versionId = integer(checkpoint?.modelVersionId)
  if (versionId === 0) return ''
  const outcome = await versions.lookups({ urgent: true }).version(versionId)
  return outcome.kind === 'found' ? outcome.value.baseModel ?? '' : ''
}

const textOf = (value: unknown): string => typeof value === 'string' ? value : ''

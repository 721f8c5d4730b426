import { createModelIndex } from '../../../../services/models/index/model-index.ts'
import { NO_FILTER } from '../../../../services/models/index/whole-query.ts'
import { modelTypes } from '../../../../services/models/types.ts'
import type { ModelPrefix, ModelType } from '../../../../services/models/types.ts'
import type { IndexedModel } from '../../../../services/models/entry.ts'
import { sampleModel } from '../../../helpers/sample-model.ts'
import type { IndexPreferences, ListQuery, ModelIndex } from '../../../../services/models/ports.ts'

let lastId = 0

/** A model with everything it needs; `folder` and `file_name` decide its path. */
export function makeModel (over: Partial<IndexedModel> = {}): IndexedModel {
  const id = over.id ?? ++lastId
  const name = over.file_name ?? `model${id}`
  const folder = over.folder ?? ''
  const path = `/m/loras/${folder === '' ? '' : `${folder}/`}${name}.safetensors`
  return sampleModel({ id, root_id: 'r1', file_path: path, file_name: name, model_name: name, size: 100, modified: 1000, sha256: id.toString(16).padStart(64, '0'), base_model: 'SDXL 1.0', ...over })
}

export const makeQuery = (over: Partial<ListQuery> = {}): ListQuery => ({ ...NO_FILTER, pageSize: 100, ...over })

export const sortBy = (key: string, order: 'asc' | 'desc' = 'asc', seed = ''): Partial<ListQuery> => ({ sort: { key, order, seed } })

export const typeOf = (prefix: ModelPrefix): ModelType => {
  const type = modelTypes.find((one) => one.prefix === prefix)
  if (!type) throw new Error(`no type ${prefix}`)
  return type
}

export interface Bed {
  index: ModelIndex
  preferences: IndexPreferences
  usage: { version: number, counts: Map<string, number>, count: (model: Pick<IndexedModel, 'sha256'>) => number }
  /** Ids of models on CivitAI with something newer; 0 stands for models that have none. */
  updates: { version: number, modelIds: Set<number>, available: (model: Pick<IndexedModel, 'civitai'>) => boolean }
  /** File names of a list, in its order. */
  names: (over?: Partial<ListQuery>) => string[]
}

export function makeIndex (models: readonly IndexedModel[] = [], prefix: ModelPrefix = 'loras'): Bed {
  const preferences: IndexPreferences = { nameDisplay: 'model_name', sfwOnly: false, versionGrouping: 'same_base' }
  const usage: Bed['usage'] = { version: 1, counts: new Map(), count: ({ sha256 }) => usage.counts.get(sha256) ?? 0 }
  const updates: Bed['updates'] = { version: 1, modelIds: new Set(), available: ({ civitai }) => updates.modelIds.has(civitai?.modelId ?? 0) }
  const index = createModelIndex({ type: typeOf(prefix), preferences: () => preferences, usage, updates })
  index.apply({ upsert: models })
  return { index, preferences, usage, updates, names: (over) => itemsOf(index, over).map((item) => item.file_name as string) }
}

export function itemsOf (index: ModelIndex, over: Partial<ListQuery> = {}): Record<string, unknown>[] {
  return (JSON.parse(index.list(makeQuery(over)).body.toString()) as { items: Record<string, unknown>[] }).items
}

import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { chooseLoras, graphName, type PoolConfig } from './choose-loras.ts'

export interface CycledLora { file_name: string, model_name: string, folder: string }

export interface CycleInput { pool_config?: PoolConfig | null, sort_by?: string }

/** All LoRAs of a pool in a fixed order, for nodes that take one after the other. */
export const cycleLoras = ({ library }: { library: ModelLibrary }) => (input: CycleInput): CycledLora[] => {
  const nameOf = input.sort_by === 'model_name' ? (model: IndexedModel) => model.model_name : (model: IndexedModel) => model.file_name
  const keyed = chooseLoras(library, input.pool_config).map((model) => ({ model, key: nameOf(model).toLowerCase(), path: model.file_path.toLowerCase() }))
  keyed.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : a.path < b.path ? -1 : 1)
  return keyed.map(({ model }) => ({ file_name: graphName(model), model_name: model.model_name, folder: model.folder }))
}

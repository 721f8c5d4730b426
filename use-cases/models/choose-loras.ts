import type { IndexedModel } from '../../services/models/entry.ts'
import type { ListQuery, ModelLibrary } from '../../services/models/ports.ts'
import { parseListQuery } from './parse-list-query.ts'

/** What a pool node of a graph says about the LoRAs to choose from; absent parts do not restrict. */
export interface PoolConfig {
  baseModels?: string[]
  tags?: { include?: string[], exclude?: string[] }
  folders?: { include?: string[], exclude?: string[] }
  license?: { noCreditRequired?: boolean, allowSelling?: boolean }
  namePatterns?: { include?: string[], exclude?: string[], useRegex?: boolean }
}

function poolQuery (library: ModelLibrary, pool: PoolConfig): ListQuery {
  const everything = parseListQuery({}, library.type)
  return {
    ...everything,
    baseModels: pool.baseModels ?? [],
    tagInclude: pool.tags?.include ?? [],
    tagExclude: pool.tags?.exclude ?? [],
    folderInclude: pool.folders?.include ?? [],
    folderExclude: pool.folders?.exclude ?? [],
    ...pool.license?.noCreditRequired ? { creditRequired: false } : {},
    ...pool.license?.allowSelling ? { allowSelling: true } : {},
    namePatternInclude: pool.namePatterns?.include ?? [],
    namePatternExclude: pool.namePatterns?.exclude ?? [],
    namePatternUseRegex: pool.namePatterns?.useRegex ?? false
  }
}

/** The LoRAs of a pool, in the order of names. */
export function chooseLoras (library: ModelLibrary, pool: PoolConfig | null | undefined): IndexedModel[] {
  const models: IndexedModel[] = []
  for (const id of library.index.select(poolQuery(library, pool ?? {}))) {
    const model = library.index.byId(id)
    if (model) models.push(model)
  }
  return models
}

/** `folder/stem`, as graphs name a LoRA. */
export const graphName = (model: IndexedModel): string => model.folder === '' ? model.file_name : `${model.folder}/${model.file_name}`

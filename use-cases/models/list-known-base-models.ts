import type { BaseModelList, BaseModels } from '../../services/base-models/base-models.ts'
import { legacyBoolean, type QueryValue } from '../../services/query-values.ts'

interface Deps { baseModels: Pick<BaseModels, 'list'> }

export const listKnownBaseModels = ({ baseModels }: Deps) => async (refresh: QueryValue): Promise<BaseModelList> =>
  await baseModels.list({ refresh: legacyBoolean(refresh) })

export const refreshKnownBaseModels = ({ baseModels }: Deps) => async (): Promise<{ data: BaseModelList, message: string }> => {
  const data = await baseModels.list({ refresh: true })
  return { data, message: data.source === 'api' ? 'Base models were fetched' : 'Base models could not be fetched; the known ones stay' }
}

import { InvalidInputError } from '../../services/errors.ts'
import type { ModelType } from '../../services/models/types.ts'
import { positiveId, type QueryValue } from '../../services/query-values.ts'
import type { UpdateRecord, Updates } from '../../services/updates/types.ts'
import { readFlag } from './read-input.ts'
import { localRecordView, recordView, type LocalDeps, type RecordView } from './record-view.ts'

export interface RecordQuery { refresh?: QueryValue, force?: QueryValue }

interface Deps extends LocalDeps { type: ModelType, updates: Updates }

/** What is known of newer versions of a model. @throws InvalidInputError, NotFoundError, DomainError */
export const getStatus = (deps: Deps) => async (modelId: string, query: RecordQuery): Promise<RecordView> => recordView(deps, await recordOf(deps, modelId, query))

/** The same with what of each version lies here. @throws as `getStatus` */
export const getVersions = (deps: Deps) => async (modelId: string, query: RecordQuery): Promise<RecordView> =>
  localRecordView(deps, await deps.updates.withExactEnds(await recordOf(deps, modelId, query)))

async function recordOf ({ type, updates }: Deps, text: string, { refresh, force }: RecordQuery): Promise<UpdateRecord> {
  const modelId = positiveId(text)
  if (modelId === null) throw new InvalidInputError('model_id must be an integer')
  return await updates.record({ type: type.name, modelId, refresh: readFlag(refresh), force: readFlag(force) })
}

import { InvalidInputError } from '../../services/errors.ts'
import type { ModelType } from '../../services/models/types.ts'
import { positiveId } from '../../services/query-values.ts'
import type { Updates } from '../../services/updates/types.ts'
import { readFlag } from './read-input.ts'
import { localRecordView, recordView, type LocalDeps, type RecordView } from './record-view.ts'

export interface IgnoreInput { modelId?: unknown, versionId?: unknown, shouldIgnore?: unknown }

interface Deps extends LocalDeps { type: ModelType, updates: Updates }

/** No version of the model counts as an update any more, or all do again. @throws InvalidInputError */
export const ignoreModel = (deps: Deps) => async (input: IgnoreInput): Promise<RecordView> => {
  const modelId = positiveId(input.modelId)
  if (modelId === null) throw new InvalidInputError('modelId is required')
  return recordView(deps, await deps.updates.ignoreModel(deps.type.name, modelId, readFlag(input.shouldIgnore)))
}

/** The same for one version. @throws InvalidInputError */
export const ignoreVersion = (deps: Deps) => async (input: IgnoreInput): Promise<RecordView> => {
  const [modelId, versionId] = [positiveId(input.modelId), positiveId(input.versionId)]
  if (modelId === null || versionId === null) throw new InvalidInputError('modelId and versionId are required')
  return localRecordView(deps, await deps.updates.ignoreVersion(deps.type.name, modelId, versionId, readFlag(input.shouldIgnore)))
}

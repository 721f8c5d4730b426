import { kindOfModelType } from '../../services/civitai/file-choice.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import { DomainError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ProviderChain } from '../../services/providers/types.ts'
import { requireOpened } from './check-models.ts'
import { requiredId, type Parameters } from './read-parameters.ts'
import { localStateOf } from './local-state.ts'

export interface VersionState { id: number, name: string, thumbnailUrl: string | null, inLibrary: boolean, hasBeenDownloaded: boolean }

export interface VersionStates { modelId: number, modelName: string, modelType: string, versions: VersionState[] }

export interface VersionStatesDeps { libraries: readonly ModelLibrary[], chain: Pick<ProviderChain, 'modelVersions'>, history: Pick<VersionHistory, 'downloaded' | 'knows'> }

/** All versions of a model as its provider lists them, and which of them are or were here. @throws InvalidInputError, NotFoundError, DomainError `unavailable` when nobody could be asked */
export const listVersionStates = ({ libraries, chain, history }: VersionStatesDeps) => async (parameters: Parameters): Promise<VersionStates> => {
  const modelId = requiredId(parameters, 'modelId')
  requireOpened(libraries)
  const outcome = await chain.modelVersions(modelId, { urgent: true })
  if (outcome.kind === 'not-found') throw new NotFoundError('Model not found', 'model-not-found')
  if (outcome.kind === 'unavailable') throw new DomainError('unavailable', outcome.offline ? 'offline' : 'provider-unavailable', outcome.message)
  if (outcome.kind !== 'found') throw new DomainError('unavailable', `provider-${outcome.kind}`, 'message' in outcome ? outcome.message : 'The provider can not be asked now')
  const { modelVersions, type, name } = outcome.value
  const kind = kindOfModelType(type)
  const library = libraries.find((one) => one.type.name === kind)
  if (!library) throw new InvalidInputError(`Models of type "${type}" are not supported`, 'model-type-unsupported')
  const stateOf = localStateOf({ library, history }, modelVersions.map(({ id }) => id))
  return {
    modelId,
    modelName: name,
    modelType: type.toLowerCase(),
    versions: modelVersions.map(({ id, name = '', images }) => ({ id, name, thumbnailUrl: images?.[0]?.url ?? null, ...stateOf(id) }))
  }
}

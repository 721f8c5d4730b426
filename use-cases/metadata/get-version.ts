import type { EnrichedVersion } from '../../services/civitai/types.ts'
import type { CivitaiVersionDocument } from '../../services/civitai/schema.ts'
import { DomainError, NotFoundError } from '../../services/errors.ts'
import type { ModelType } from '../../services/models/types.ts'
import type { ChainOutcome, ProviderChain } from '../../services/providers/types.ts'
import { positiveId } from '../../services/query-values.ts'
import { requireType } from './require-type.ts'

interface Deps { type: ModelType, chain: Pick<ProviderChain, 'version' | 'versionByHash'> }

/** A version as its provider describes it. @throws NotFoundError, InvalidInputError for another type of model, DomainError `failed` when nobody could be asked */
export const getVersion = ({ type, chain }: Deps) => async (versionId: string): Promise<CivitaiVersionDocument> => {
  const id = positiveId(versionId)
  if (id === null) throw new NotFoundError('Model not found', 'version-not-found')
  const outcome = await chain.version({ versionId: id }, { urgent: true })
  if (outcome.kind === 'not-found') throw new NotFoundError('Model not found', 'version-not-found')
  if (outcome.kind !== 'found') throw new DomainError('failed', outcome.kind === 'unavailable' && outcome.offline ? 'offline' : 'provider-failed', 'No provider could retrieve the data')
  return typed(type, outcome)
}

/** The version that a file with this SHA-256, AutoV2 or AutoV3 belongs to. Whatever keeps it from being found is a 404. @throws NotFoundError, InvalidInputError */
export const getVersionByHash = ({ type, chain }: Deps) => async (hash: string): Promise<CivitaiVersionDocument> => {
  const outcome = await chain.versionByHash(hash, { urgent: true })
  if (outcome.kind !== 'found') throw new NotFoundError('Model not found', 'version-not-found')
  return typed(type, outcome)
}

function typed (type: ModelType, { value }: Extract<ChainOutcome<EnrichedVersion>, { kind: 'found' }>): CivitaiVersionDocument {
  const found = value.version.model?.type
  if (found !== undefined) requireType(type, found)
  return value.version
}

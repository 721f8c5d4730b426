import { ConflictError } from '../../services/errors.ts'
import type { ModelType } from '../../services/models/types.ts'
import type { LicenceAnswer, Updates } from '../../services/updates/types.ts'
import { readIds } from './read-input.ts'

export interface LicenceInput { modelIds?: unknown, model_ids?: unknown }

/** Members are there only when they have something to tell. */
export interface FetchedLicences {
  updated: LicenceAnswer['updated']
  missingModelIds?: number[]
  errors?: LicenceAnswer['errors']
}

/** Completes the licence of models whose sidecars lack a part of it. @throws DomainError, ConflictError when it was cancelled */
export const fetchMissingLicences = ({ type, updates }: { type: ModelType, updates: Pick<Updates, 'fetchLicences'> }) => async (input: LicenceInput): Promise<FetchedLicences> => {
  const modelIds = readIds(input.modelIds ?? input.model_ids)
  if (modelIds?.length === 0) return { updated: [] }
  const answer = await updates.fetchLicences(type.name, modelIds)
  if (!answer) throw new ConflictError('Fetching licences was cancelled', 'cancelled')
  const { updated, missing, errors } = answer
  return { updated, ...(missing.length > 0 && { missingModelIds: missing }), ...(errors.length > 0 && { errors }) }
}

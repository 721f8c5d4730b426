import type { EnrichedVersion } from '../../services/civitai/types.ts'
import { DomainError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { failureOf } from '../../services/metadata/sync.ts'
import type { MetadataShelf } from '../../services/metadata/types.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ChainOutcome, MetadataSource, ProviderChain } from '../../services/providers/types.ts'
import { positiveId } from '../../services/query-values.ts'
import { requiredId, wantedModel } from './wanted-model.ts'

export interface RelinkDeps {
  libraries: readonly ModelLibrary[]
  metadata: Pick<MetadataShelf, 'of'>
  chain: Pick<ProviderChain, 'version'>
  hub: { broadcast (channel: 'fetch', frame: Record<string, unknown>): void }
}

export interface RelinkInput { file_path?: unknown, model_id?: unknown, model_version_id?: unknown }

const ROUTE = 'relink-civitai'

/**
 * Ties a model to a version that the user chose, whatever its bytes say.
 * @throws InvalidInputError, PathOutsideLibraryError, NotFoundError for an unknown version, DomainError `unavailable` or `upstream`
 */
export const relinkCivitai = ({ libraries, metadata, chain, hub }: RelinkDeps) => async ({ file_path: path, model_id: modelId, model_version_id: versionId }: RelinkInput): Promise<{ message: string, hash: string }> => {
  if (typeof path !== 'string' || path.trim() === '' || modelId === undefined || modelId === null || modelId === '') throw new InvalidInputError('Both file_path and model_id are required')
  const choice = { modelId: requiredId(modelId, 'model_id must be a whole number'), versionId: givenId(versionId) }
  const model = wantedModel(libraries, path)
  const outcome = await chain.version(choice, { urgent: true })
  const { sync, ensurePreview } = metadata.of(model.type)
  const found = foundVersion(outcome, `model ${choice.modelId}`)
  const linked = await sync.apply(model, found, { route: ROUTE, relink: true })
  await ensurePreview(linked, found.version, { route: ROUTE, urgent: true })
  hub.broadcast('fetch', { type: 'models_changed' })
  const version = choice.versionId === undefined ? '' : ` version ${choice.versionId}`
  return { message: `Model successfully re-linked to Civitai model ${choice.modelId}${version}`, hash: linked.sha256 }
}

function givenId (value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return positiveId(value) ?? requiredId(value, 'model_version_id must be a whole number')
}

/** @throws NotFoundError, DomainError */
export function foundVersion (outcome: ChainOutcome<EnrichedVersion>, label: string): EnrichedVersion & { source: MetadataSource } {
  if (outcome.kind === 'found') return { ...outcome.value, source: outcome.source ?? 'civitai_api' }
  if (outcome.kind === 'not-found') throw new NotFoundError('Model not found on any provider', 'version-not-found')
  const failure = failureOf(outcome, label)
  throw new DomainError(failure.kind === 'failed' ? 'upstream' : 'unavailable', failure.kind, failure.message)
}

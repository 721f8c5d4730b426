import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import { DomainError } from '../errors.ts'
import type { MetadataSource, ProviderChain } from '../providers/types.ts'
import type { DownloadRequest } from './types.ts'

/** Asks the providers for the version that is meant. @throws DomainError that says why none could be had */
export async function findVersion (chain: Pick<ProviderChain, 'version'>, request: DownloadRequest, signal: AbortSignal): Promise<{ version: CivitaiVersionDocument, source: MetadataSource }> {
  const choice = { modelId: request.model_id ?? undefined, versionId: request.model_version_id ?? undefined }
  const outcome = await chain.version(choice, { signal, urgent: true, ...(request.source === 'civarchive' && { first: 'civarchive_api' as const }) })
  switch (outcome.kind) {
    case 'found':
      return { version: outcome.value.version, source: outcome.source ?? 'civitai_api' }
    case 'not-found':
      throw new DomainError('failed', 'version-not-found', 'No provider knows this version of the model')
    case 'unauthorized':
      throw new DomainError('unauthorized', 'download-unauthorized', 'CivitAI refuses to describe the version (401): the API key is missing or wrong')
    case 'rate-limited':
      throw new DomainError('failed', 'rate-limited', 'The provider asks for patience; try again later', outcome.retryAfter === null ? {} : { retry_after: outcome.retryAfter })
    case 'unavailable':
      throw new DomainError('failed', outcome.offline ? 'offline' : 'provider-unavailable', outcome.message)
    default:
      throw new DomainError('failed', 'provider-answer', outcome.message)
  }
}

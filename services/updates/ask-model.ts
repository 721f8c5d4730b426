import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { Failure } from '../civitai/types.ts'
import type { CallOptions } from '../network/types.ts'
import type { ProviderChain } from '../providers/types.ts'

/** `archive`: CivitAI itself has the model no more. */
export type ModelAnswer = { kind: 'found', versions: CivitaiVersionDocument[], archive: boolean } | Failure

/**
 * Asks for the versions of one model: CivitAI first, the archives only when it says 404. Whatever else keeps CivitAI from
 * answering is the answer, since an archive's list may lack what is new.
 */
export async function askModel (chain: Pick<ProviderChain, 'order' | 'modelVersions'>, modelId: number, options: CallOptions): Promise<ModelAnswer> {
  const outcome = await chain.modelVersions(modelId, { ...options, only: ['civitai_api'] })
  if (outcome.kind === 'found') return { kind: 'found', versions: outcome.value.modelVersions, archive: false }
  if (outcome.kind !== 'not-found') return outcome
  const archives = chain.order().filter((name) => name !== 'civitai_api')
  const archived = archives.length === 0 ? outcome : await chain.modelVersions(modelId, { ...options, only: archives })
  return archived.kind === 'found' && archived.value.modelVersions.length > 0 ? { kind: 'found', versions: archived.value.modelVersions, archive: true } : outcome
}

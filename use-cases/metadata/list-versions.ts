import { primaryWeightFile } from '../../services/civitai/file-choice.ts'
import type { CivitaiVersionDocument } from '../../services/civitai/schema.ts'
import { localFiles, type LocalFile } from '../../services/downloads/local-files.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import { DomainError, NotFoundError } from '../../services/errors.ts'
import { failureOf } from '../../services/metadata/sync.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ProviderChain } from '../../services/providers/types.ts'
import { positiveId } from '../../services/query-values.ts'
import { requireType } from './require-type.ts'

export interface ListVersionsDeps {
  library: ModelLibrary
  chain: Pick<ProviderChain, 'modelVersions'>
  history: Pick<VersionHistory, 'downloaded'>
  warn: (message: string, error: unknown) => void
}

/** A version as CivitAI describes it, with what of it lies here. */
export type LocalVersion = CivitaiVersionDocument & { existsLocally: boolean, localPath?: string, hasBeenDownloaded: boolean, downloadedFiles: LocalFile[], modelSizeKB?: number | null }

/**
 * All versions of a model with what of them the library holds; that is told from look-ups alone.
 * @throws NotFoundError, InvalidInputError for a model of another type, DomainError
 */
export const listVersions = ({ library, chain, history, warn }: ListVersionsDeps) => async (id: string, source: string | undefined): Promise<LocalVersion[]> => {
  const modelId = positiveId(id)
  if (modelId === null) throw new NotFoundError('Model not found', 'model-not-found')
  const outcome = await chain.modelVersions(modelId, { urgent: true, ...(source === 'civarchive' && { only: ['civarchive_api'] as const }) })
  if (outcome.kind === 'not-found') throw new NotFoundError('Model not found', 'model-not-found')
  if (outcome.kind !== 'found') {
    const failure = failureOf(outcome, `model ${modelId}`)
    throw new DomainError(failure.kind === 'failed' ? 'failed' : 'unavailable', failure.kind, failure.message)
  }
  const { modelVersions, type } = outcome.value
  if (modelVersions.length === 0) throw new NotFoundError('Model not found', 'model-not-found')
  requireType(library.type, type)
  const downloaded = downloadedOf(modelVersions.map((version) => version.id))
  return modelVersions.map((version) => withLocal(library, version, downloaded.has(version.id)))

  function downloadedOf (ids: number[]): ReadonlySet<number> {
    try {
      return history.downloaded(library.type.name, ids)
    } catch (error) {
      warn('the history of downloads could not be read', error)
      return new Set()
    }
  }
}

function withLocal ({ index }: ModelLibrary, version: CivitaiVersionDocument, hasBeenDownloaded: boolean): LocalVersion {
  const files = version.files ?? []
  const models = index.byVersionId(version.id)
  const { localPath: _remote, ...rest } = structuredClone(version) as CivitaiVersionDocument & { localPath?: unknown }
  const [first] = models
  const primary = primaryWeightFile(files)
  return {
    ...rest,
    existsLocally: first !== undefined,
    ...(first && { localPath: first.file_path }),
    hasBeenDownloaded,
    downloadedFiles: localFiles(files, models).known,
    ...(primary && { modelSizeKB: primary.sizeKB ?? null })
  }
}

import { localVersions } from '../../services/downloads/present-version.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import { DomainError, NotFoundError } from '../../services/errors.ts'
import type { Journal } from '../../services/journal/types.ts'
import { deletionTarget } from '../../services/models/deletion.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { trashModels, type Trashed } from '../../services/models/trash-models.ts'
import type { ModelTypeName } from '../../services/models/types.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import { requireOpened } from './check-models.ts'
import { requiredId, type Parameters } from './read-parameters.ts'

export interface DeleteVersionDeps {
  libraries: readonly ModelLibrary[]
  history: Pick<VersionHistory, 'markDeleted'>
  journal: Pick<Journal, 'run'>
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
}

export interface DeletedVersion { modelType: ModelTypeName, modelVersionId: number, deletedFiles: number, batch_id: string | null }

/**
 * Takes every local file of a version to the trash, as one operation that can be undone. The version counts as not downloaded from then on.
 * @throws InvalidInputError, NotFoundError, OfflineError, DomainError with `deletedFiles` and `batch_id` when some of it could not be moved
 */
export const deleteVersion = ({ libraries, history, journal, hub }: DeleteVersionDeps) => async (parameters: Parameters): Promise<DeletedVersion> => {
  const modelVersionId = requiredId(parameters, 'modelVersionId')
  requireOpened(libraries)
  const library = libraries.find((one) => localVersions(one, modelVersionId).length > 0)
  if (!library) throw new NotFoundError('Model version not found in any library', 'version-not-found')
  const models = localVersions(library, modelVersionId)
  const targets = models.map(({ file_path: path }) => deletionTarget(library, path))
  const trashed = await trashModels({ library, hub, journal }, targets, { kind: targets.length === 1 ? 'delete' : 'bulk-delete', route: 'delete-model-version' })
  const batch = trashed.result?.units.some(({ ok }) => ok) ? trashed.result.id : null
  const failures = failuresOf(trashed)
  const deletedFiles = targets.length - failures.length
  const [first] = failures
  if (first) throw new DomainError(first.kind, first.code, first.message, { deletedFiles, batch_id: batch })
  const modelId = models.find(({ civitai }) => civitai?.modelId !== undefined)?.civitai?.modelId
  history.markDeleted(library.type.name, modelVersionId, modelId)
  return { modelType: library.type.name, modelVersionId, deletedFiles, batch_id: batch }
}

function failuresOf ({ deletions, result }: Trashed): Pick<DomainError, 'kind' | 'code' | 'message'>[] {
  const refused = deletions.flatMap((deletion) => deletion.kind === 'refused' ? [deletion.error] : [])
  return [...refused, ...(result?.units ?? []).flatMap(({ error }) => error ?? [])]
}

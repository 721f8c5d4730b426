import { localVersions } from '../../services/downloads/present-version.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ModelTypeName } from '../../services/models/types.ts'
import { readId, readText, requiredFlag, requiredId, requiredType, type Parameters } from './read-parameters.ts'

export interface DownloadStatus { modelType: ModelTypeName, modelVersionId: number, hasBeenDownloaded: boolean }

export interface ReadStatusDeps { libraries: readonly ModelLibrary[], history: Pick<VersionHistory, 'has' | 'knows'> }

/** Whether a version was ever downloaded; what the library holds counts, unless the user said otherwise. @throws InvalidInputError */
export const getDownloadStatus = ({ libraries, history }: ReadStatusDeps) => (parameters: Parameters): DownloadStatus => {
  const modelType = requiredType(parameters)
  const modelVersionId = requiredId(parameters, 'modelVersionId')
  const library = libraries.find(({ type }) => type.name === modelType)
  return { modelType, modelVersionId, hasBeenDownloaded: history.has(modelType, modelVersionId) || (library !== undefined && isFresh(library, history, modelVersionId)) }
}

/** In the library, and so new there that the history has not heard of it. */
function isFresh (library: ModelLibrary, history: Pick<VersionHistory, 'knows'>, versionId: number): boolean {
  return !history.knows(library.type.name, versionId) && localVersions(library, versionId).length > 0
}

export interface StatusDeps { history: Pick<VersionHistory, 'has' | 'mark' | 'markDeleted'>, libraryName (): string }

/** Notes by hand that a version was downloaded, or that it is not to count as such. @throws InvalidInputError */
export const setDownloadStatus = ({ history, libraryName }: StatusDeps) => (parameters: Parameters): DownloadStatus => {
  const modelType = requiredType(parameters)
  const modelVersionId = requiredId(parameters, 'modelVersionId')
  const downloaded = requiredFlag(parameters, 'downloaded')
  const modelId = readId(parameters, 'modelId') ?? null
  const filePath = readText(parameters, 'filePath')
  if (downloaded) history.mark({ type: modelType, versionId: modelVersionId, modelId, filePath, library: libraryName() }, 'manual')
  else history.markDeleted(modelType, modelVersionId, modelId)
  return { modelType, modelVersionId, hasBeenDownloaded: history.has(modelType, modelVersionId) }
}

import { fit } from '../../services/civitai/fit.ts'
import { CivitaiVersion } from '../../services/civitai/schema.ts'
import { localFiles, type LocalFile } from '../../services/downloads/local-files.ts'
import { localVersions, presentVersions, type PresentVersion } from '../../services/downloads/present-version.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import { ServiceNotReadyError } from '../../services/errors.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ModelTypeName } from '../../services/models/types.ts'
import { listedIds, readId, requiredId, type Parameters } from './read-parameters.ts'

export interface PresenceDeps {
  /** In the order in which they are searched: the first that has something wins. */
  libraries: readonly ModelLibrary[]
  history: Pick<VersionHistory, 'has' | 'typeOf' | 'versionsOf'>
}

/** Set while the first scan runs: what is not found may still be there. */
interface MaybeIncomplete { isInitializing?: true }

export interface VersionPresence extends MaybeIncomplete { exists: boolean, modelType: ModelTypeName | null, hasBeenDownloaded: boolean, downloadedFiles: LocalFile[] }

type Version = PresentVersion & { hasBeenDownloaded: true }

export interface ModelPresence extends MaybeIncomplete { modelType: ModelTypeName | null, versions: Version[], downloadedVersionIds: number[] }

const MOST_MODELS = 1000

/** Whether a version, or which versions of a model, are in the library; look-ups alone tell. @throws InvalidInputError, ServiceNotReadyError */
export const checkModel = ({ libraries, history }: PresenceDeps) => (parameters: Parameters): VersionPresence | ModelPresence => {
  const modelId = requiredId(parameters, 'modelId')
  const versionId = readId(parameters, 'modelVersionId')
  requireOpened(libraries)
  if (versionId !== undefined) return { ...versionPresence({ libraries, history }, versionId), ...incomplete(libraries) }
  const local = localPresence(libraries, modelId)
  if (local.versions.length > 0) return { ...local, ...incomplete(libraries) }
  const type = history.typeOf({ modelId }) ?? null
  return { modelType: type, versions: [], downloadedVersionIds: type === null ? [] : history.versionsOf(type, modelId), ...incomplete(libraries) }
}

/** The same for many models at once, by what the library holds alone. @throws ServiceNotReadyError */
export const checkModels = ({ libraries }: Pick<PresenceDeps, 'libraries'>) => ({ modelIds }: Parameters): { results: (ModelPresence & { modelId: number })[] } & MaybeIncomplete => {
  requireOpened(libraries)
  return { results: listedIds(modelIds, MOST_MODELS).map((modelId) => ({ modelId, ...localPresence(libraries, modelId) })), ...incomplete(libraries) }
}

function versionPresence ({ libraries, history }: PresenceDeps, versionId: number): VersionPresence {
  for (const library of libraries) {
    const models = localVersions(library, versionId)
    if (models.length > 0) return { exists: true, modelType: library.type.name, hasBeenDownloaded: false, downloadedFiles: filesOf(library, models) }
  }
  const type = history.typeOf({ versionId }) ?? null
  return { exists: false, modelType: type, hasBeenDownloaded: type !== null, downloadedFiles: [] }
}

/** Which files of the version they are, by what their sidecars keep of it. */
function filesOf (library: ModelLibrary, models: readonly IndexedModel[]): LocalFile[] {
  const files = models.flatMap(({ file_path: path }) => fit(CivitaiVersion, library.sidecar(path)?.civitai)?.files ?? [])
  const { known, others } = localFiles([...new Map(files.map((file) => [`${file.id} ${file.name}`, file])).values()], models)
  return [...known, ...others]
}

function localPresence (libraries: readonly ModelLibrary[], modelId: number): ModelPresence {
  for (const library of libraries) {
    const versions = presentVersions(library, modelId)
    if (versions.length > 0) return { modelType: library.type.name, versions: versions.map((version) => ({ ...version, hasBeenDownloaded: true })), downloadedVersionIds: [] }
  }
  return { modelType: null, versions: [], downloadedVersionIds: [] }
}

export function requireOpened (libraries: readonly ModelLibrary[]): void {
  if (!libraries.every((library) => library.opened)) throw new ServiceNotReadyError()
}

function incomplete (libraries: readonly ModelLibrary[]): MaybeIncomplete {
  return libraries.some((library) => library.initializing) ? { isInitializing: true } : {}
}

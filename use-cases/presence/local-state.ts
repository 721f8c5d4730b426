import { localVersions } from '../../services/downloads/present-version.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

export interface LocalState { inLibrary: boolean, hasBeenDownloaded: boolean }

/** Whether each of these versions is here, and was downloaded: what is so new here that the history has not heard of it counts too. */
export function localStateOf ({ library, history }: { library: ModelLibrary, history: Pick<VersionHistory, 'downloaded' | 'knows'> }, versionIds: readonly number[]): (versionId: number) => LocalState {
  const downloaded = history.downloaded(library.type.name, versionIds)
  return (versionId) => {
    const inLibrary = localVersions(library, versionId).length > 0
    return { inLibrary, hasBeenDownloaded: downloaded.has(versionId) || (inLibrary && !history.knows(library.type.name, versionId)) }
  }
}

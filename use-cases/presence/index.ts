import type { Core } from '../../services/core.ts'
import { checkModel, checkModels } from './check-models.ts'
import { deleteVersion } from './delete-version.ts'
import { getDownloadStatus, setDownloadStatus } from './download-status.ts'
import { listUserModels } from './list-user-models.ts'
import { listVersionStates } from './list-version-states.ts'

/** What of CivitAI is here, or was: asked by extensions of browsers that mark pages with it. */
export function createPresenceUseCases ({ models, downloads: { history }, providers: { chain, civitai }, journal, hub, settings }: Core) {
  const libraries = [models.loras, models.checkpoints, models.embeddings]
  return {
    checkModel: checkModel({ libraries, history }),
    checkModels: checkModels({ libraries }),
    getDownloadStatus: getDownloadStatus({ libraries, history }),
    setDownloadStatus: setDownloadStatus({ history, libraryName: () => settings.activeLibrary().name }),
    listVersionStates: listVersionStates({ libraries, chain, history }),
    listUserModels: listUserModels({ libraries, civitai, history }),
    deleteVersion: deleteVersion({ libraries, history, journal, hub })
  }
}

export type PresenceUseCases = ReturnType<typeof createPresenceUseCases>

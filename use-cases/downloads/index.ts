import type { Core } from '../../services/core.ts'
import type { DownloadView } from '../../services/downloads/types.ts'
import { createSidecarEditor } from '../../services/models/edit-sidecar.ts'
import { createClientQueueUseCases } from './client-queue.ts'
import { holdDownload, stopDownload } from './control-download.ts'
import { downloadModel } from './download-model.ts'
import { getProgress } from './get-progress.ts'
import { downloadRepositoryFile, listRepositoryFiles } from './hugging-face.ts'
import { cancelDownload, getDownload, listDownloads, queueDownloads } from './queue-downloads.ts'
import { readDownloadRequest, readHuggingFaceRequest } from './read-download-request.ts'
import { setHfUrl } from './set-hf-url.ts'
import { verifyLibrary } from './verify-library.ts'

/** What the product does to bring model files from elsewhere, and to find those that went bad. */
export function createDownloadUseCases ({ downloads, hub, jobs, journal, metadata, models, providers, sidecarOverlay }: Core) {
  const libraries = Object.values(models)
  const editable = libraries.map((library) => ({ library, editSidecar: createSidecarEditor({ library, journal, overlay: sidecarOverlay, recorder: metadata.recorder }) }))
  const read = readDownloadRequest({ libraries })
  const readHuggingFace = readHuggingFaceRequest({ libraries })
  return {
    readDownloadRequest: read,
    readHuggingFaceRequest: readHuggingFace,
    downloadModel: downloadModel({ downloads }),
    getProgress: getProgress({ hub }),
    cancelDownload: stopDownload({ downloads, hub }, false),
    skipDownload: stopDownload({ downloads, hub }, true),
    pauseDownload: holdDownload({ downloads, hub }, 'pause'),
    resumeDownload: holdDownload({ downloads, hub }, 'resume'),
    ...createClientQueueUseCases(downloads.queue),
    listRepositoryFiles: listRepositoryFiles({ huggingFace: providers.huggingFace }),
    downloadRepositoryFile: downloadRepositoryFile({ downloads }),
    setHfUrl: setHfUrl({ libraries: editable, hub }),
    listDownloads: listDownloads({ downloads }),
    getDownload: getDownload({ downloads }),
    queueDownloads: queueDownloads({ downloads, read, readHuggingFace }),
    pauseQueued: (id: string): DownloadView => downloads.pause(id),
    resumeQueued: (id: string): DownloadView => downloads.resume(id),
    cancelQueued: cancelDownload({ downloads }),
    retryQueued: (id: string): DownloadView => downloads.retry(id),
    /** The server is about to stop: whoever waits for an end is told so now. */
    letGo: (): void => { downloads.letGo() },
    verifyLibrary: verifyLibrary({ jobs, libraries })
  }
}

export type DownloadUseCases = ReturnType<typeof createDownloadUseCases>

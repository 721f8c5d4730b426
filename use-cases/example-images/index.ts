import type { Core } from '../../services/core.ts'
import { createExampleImages } from '../../services/example-images/example-images.ts'
import { deleteImage, rateImage } from './change-image.ts'
import { cleanUpFolders } from './clean-up-folders.ts'
import { listDeleted, purgeDeleted, restoreDeleted } from './deleted-images.ts'
import { beginForceDownload, forceDownload, startDownload } from './download-images.ts'
import { checkNeeded, getStatus, pauseDownload, resumeDownload, stopDownload } from './follow-download.ts'
import { importPaths, importUpload } from './import-images.ts'
import { openFolder } from './open-folder.ts'
import { hasFiles, listFiles, serveFile } from './show-files.ts'

/** What the product does with images that show what a model can do. */
export function createExampleImageUseCases (core: Core, { warn }: { warn: (message: string, error: unknown) => void }) {
  const examples = createExampleImages({ core, warn })
  const { settings, journal, jobs } = core
  return {
    startDownload: startDownload(examples),
    forceDownload: forceDownload(examples),
    beginForceDownload: beginForceDownload(examples),
    getStatus: getStatus(examples),
    pauseDownload: pauseDownload(examples),
    resumeDownload: resumeDownload(examples),
    stopDownload: stopDownload(examples),
    checkNeeded: checkNeeded(examples),
    importUpload: importUpload(examples),
    importPaths: importPaths(examples),
    deleteImage: deleteImage(examples),
    rateImage: rateImage(examples),
    openFolder: openFolder({ ...examples, settings }),
    listFiles: listFiles(examples),
    hasFiles: hasFiles(examples),
    serveFile: serveFile(examples),
    cleanUpFolders: cleanUpFolders({ ...examples, settings, journal, jobs }),
    listDeleted: listDeleted(examples),
    restoreDeleted: restoreDeleted({ ...examples, settings }),
    purgeDeleted: purgeDeleted({ ...examples, settings }),
    recover: examples.recover,
    letGo: examples.downloader.letGo,
    close: examples.close
  }
}

export type ExampleImageUseCases = ReturnType<typeof createExampleImageUseCases>

import { InvalidInputError } from '../../services/errors.ts'
import { DownloadInProgressError } from '../../services/example-images/errors.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import type { DownloadInput, DownloadReport } from '../../services/example-images/run-download.ts'
import type { RunSnapshot } from '../../services/example-images/run-snapshot.ts'
import { checkOpened } from '../../services/example-images/targets.ts'
import { readDownloadRequest, type DownloadBody } from './read-download-request.ts'

type Deps = Pick<ExampleImages, 'downloader' | 'places' | 'libraries'>

export interface StartAnswer { message: string, status: RunSnapshot }

/**
 * Starts the one run there may be and answers when its models are counted.
 * @throws InvalidInputError, ExampleImagesUnavailableError, DownloadInProgressError, ServiceNotReadyError
 */
export const startDownload = ({ downloader, places, libraries }: Deps) => async (body: DownloadBody): Promise<StartAnswer> => {
  const { auto, optimize, types, delayMs, force, hashes } = readDownloadRequest(body)
  if (auto && !places.find()) return { message: 'Example images path not configured, skipping auto download', status: downloader.status() }
  if (downloader.isRunning()) throw new DownloadInProgressError(downloader.status())
  const { library, root } = places.required()
  checkOpened(libraries)
  return { message: 'Download started', status: await downloader.start({ library, root, types, hashes, optimize, delayMs, retryFailed: force, reprocess: false }) }
}

export interface ForceAnswer { message: string, result: DownloadReport }

/**
 * Looks at some models anew, whatever is known of them, and waits for the end.
 * @throws as `startDownload`; DomainError when the run came to nothing
 */
export const forceDownload = (deps: Deps) => async (body: DownloadBody): Promise<ForceAnswer> => {
  const { report, stopped } = await deps.downloader.run(readForced(deps, body))
  return { message: stopped ? 'Force download stopped' : 'Force download completed', result: report }
}

/** The same without waiting for the end: answers when the models are counted. @throws as `startDownload` */
export const beginForceDownload = (deps: Deps) => async (body: DownloadBody): Promise<StartAnswer> =>
  ({ message: 'Force download started', status: await deps.downloader.start(readForced(deps, body)) })

function readForced ({ downloader, places, libraries }: Deps, body: DownloadBody): DownloadInput {
  if (downloader.isRunning()) throw new DownloadInProgressError(downloader.status())
  const { optimize, types, delayMs, hashes, overwrite } = readDownloadRequest(body)
  if (!hashes) throw new InvalidInputError('Missing model_hashes parameter', 'model-hashes-missing')
  const { library, root } = places.required()
  checkOpened(libraries)
  return { library, root, types, hashes, optimize, delayMs, retryFailed: true, reprocess: true, overwrite }
}

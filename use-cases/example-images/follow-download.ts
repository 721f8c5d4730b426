import type { ExampleImages } from '../../services/example-images/example-images.ts'
import type { RunSnapshot } from '../../services/example-images/run-snapshot.ts'
import { modelTypes } from '../../services/models/types.ts'
import { readTypes } from './read-download-request.ts'

type Deps = Pick<ExampleImages, 'downloader'>

export interface StatusAnswer { is_downloading: boolean, status: RunSnapshot }

/** The snapshot that the sockets sent last. `details`: lists in full. */
export const getStatus = ({ downloader }: Deps) => ({ details }: { details: boolean }): StatusAnswer => ({ is_downloading: downloader.isRunning(), status: downloader.status({ details }) })

/** @throws DownloadNotRunningError */
export const pauseDownload = ({ downloader }: Deps) => (): { message: string } => {
  downloader.pause()
  return { message: 'Download paused' }
}

/** @throws DownloadNotRunningError, DomainError `invalid` naming the status */
export const resumeDownload = ({ downloader }: Deps) => (): { message: string } => {
  downloader.resume()
  return { message: 'Download resumed' }
}

/** @throws DownloadNotRunningError */
export const stopDownload = ({ downloader }: Deps) => (): { message: string } => {
  downloader.stop()
  return { message: 'Download stopping' }
}

export interface NeededAnswer {
  is_downloading: boolean
  total_models: number
  pending_count: number
  processed_count: number
  failed_count: number
  needs_download: boolean
  message?: string
}

const NOTHING: NeededAnswer = { is_downloading: false, total_models: 0, pending_count: 0, processed_count: 0, failed_count: 0, needs_download: false }
const EVERY_TYPE = modelTypes.map(({ name }) => name)

/** Whether any model still waits for its first images. @throws InvalidInputError, ServiceNotReadyError, OfflineError */
export const checkNeeded = ({ downloader, places, countNeeded }: Pick<ExampleImages, 'downloader' | 'places' | 'countNeeded'>) => async (body: { model_types?: unknown }): Promise<NeededAnswer> => {
  const types = new Set(readTypes(body.model_types, EVERY_TYPE))
  if (downloader.isRunning()) return { ...NOTHING, is_downloading: true, message: 'Download already in progress' }
  const place = places.find()
  if (!place) return { ...NOTHING, message: 'Example images path not configured' }
  const counts = await countNeeded(place, types)
  return { is_downloading: false, ...counts, needs_download: counts.pending_count > 0 }
}

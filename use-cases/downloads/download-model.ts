import type { Downloads } from '../../services/downloads/ports.ts'
import type { DownloadRecord, DownloadRequest } from '../../services/downloads/types.ts'
import { DomainError } from '../../services/errors.ts'

/** What clients are told at the end of a download that did not fail. */
export type DownloadAnswer =
  | { success: true, download_id: string, file_path?: string, file_paths?: string[] }
  | { success: true, skipped: true, status: 'skipped', reason: string, message: string, file_name: string, download_id: string }
  | { success: true, cancelled: true, download_id: string }
  /** Clients show what is there already as a mild notice, and only from an answer that is no failure. */
  | { success: false, error: string, download_id: string }

/**
 * Downloads and waits for the end, or for that of the download that runs under this id.
 * @throws DomainError `unauthorized` for files behind a gate, `failed` for everything else, each with `download_id`
 */
export const downloadModel = ({ downloads }: { downloads: Downloads }) => async (request: DownloadRequest): Promise<DownloadAnswer> => {
  const { id } = downloads.start(request)
  return answerOf(await downloads.finished(id))
}

export function answerOf ({ id, state, result, error }: DownloadRecord): DownloadAnswer {
  if (error?.code === 'version-exists') return { success: false, error: error.message, download_id: id }
  if (error) throw new DomainError(error.kind === 'unauthorized' ? 'unauthorized' : 'failed', error.code, error.message, { download_id: id })
  if (result?.skipped) return { success: true, skipped: true, status: 'skipped', ...result.skipped, download_id: id }
  if (state === 'cancelled' || state === 'skipped') return { success: true, cancelled: true, download_id: id }
  return { success: true, download_id: id, ...(result?.file_path && { file_path: result.file_path }), ...(result?.file_paths && { file_paths: result.file_paths }) }
}

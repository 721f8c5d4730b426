import type { Downloads } from '../../services/downloads/ports.ts'
import { DomainError, InvalidInputError } from '../../services/errors.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import { readDownloadId } from './read-download-request.ts'

interface Deps { downloads: Downloads, hub: Pick<ProgressHub, 'broadcast' | 'forgetSnapshot'> }

export type ControlAnswer = { success: true, message: string } | { success: false, error: string }

/** @throws InvalidInputError */
export function requiredId (value: unknown): string {
  const id = readDownloadId(value)
  if (id === undefined) throw new InvalidInputError('Download ID is required')
  return id
}

/** Stops a download; `keep` leaves what was loaded. Clients wait for the frame even of one that is not there. */
export const stopDownload = ({ downloads, hub }: Deps, keep: boolean) => async (downloadId: unknown): Promise<ControlAnswer> => {
  const id = requiredId(downloadId)
  const word = keep ? 'skipped' : 'cancelled'
  if (await downloads.stop(id, { keep })) return { success: true, message: `Download ${word} successfully` }
  const known = downloads.get(id) !== undefined
  hub.broadcast('download', { status: word, progress: 0, download_id: id, message: `Download ${word} by user` }, { key: id })
  // The frame of an id that never was is nothing to be polled for.
  if (!known) hub.forgetSnapshot('download', id)
  return { success: false, error: known ? 'Download has ended already' : 'Download task not found' }
}

/** @throws InvalidInputError for an unknown id, or a download that is not in a state for it */
export const holdDownload = ({ downloads }: Deps, action: 'pause' | 'resume') => (downloadId: unknown): ControlAnswer => {
  const id = requiredId(downloadId)
  try {
    downloads[action](id)
    return { success: true, message: `Download ${action}d successfully` }
  } catch (error) {
    if (error instanceof DomainError && ['not-found', 'conflict'].includes(error.kind)) throw new InvalidInputError(error.kind === 'not-found' ? 'Download task not found' : error.message, error.code)
    throw error
  }
}

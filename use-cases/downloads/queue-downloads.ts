import type { Downloads } from '../../services/downloads/ports.ts'
import type { DownloadRequest, DownloadState, DownloadView } from '../../services/downloads/types.ts'
import { InvalidInputError, NotFoundError } from '../../services/errors.ts'

interface Deps {
  downloads: Downloads
  read (body: Record<string, unknown>): DownloadRequest
  readHuggingFace (body: Record<string, unknown>): DownloadRequest
}

const LARGEST_PAGE = 200
const MOST_AT_ONCE = 1000

/** Newest first; a limit beyond the bounds is clamped. @throws InvalidInputError */
export const listDownloads = ({ downloads }: Pick<Deps, 'downloads'>) => ({ limit = 50, after, state }: { limit?: number | undefined, after?: string | undefined, state?: DownloadState | undefined }) => {
  if (after !== undefined && !/^\d{1,15}$/.test(after)) throw new InvalidInputError('"after" is not a position in this list')
  return downloads.list({ limit: Math.min(Math.max(limit, 1), LARGEST_PAGE), after, state })
}

/** @throws NotFoundError */
export const getDownload = ({ downloads }: Pick<Deps, 'downloads'>) => (id: string): DownloadView => {
  const found = downloads.get(id)
  if (!found) throw new NotFoundError('There is no such download', 'download-not-found')
  return found
}

/**
 * Puts one download, or those under `items`, into the queue; all are checked before the first is taken.
 * Without a folder they go where the templates say.
 * @throws InvalidInputError, PathOutsideLibraryError, DomainError `unavailable` when the queue is full
 */
export const queueDownloads = ({ downloads, read, readHuggingFace }: Deps) => (body: Record<string, unknown>): DownloadView[] => {
  const items: unknown = body.items ?? [body]
  if (!Array.isArray(items) || items.length === 0 || items.length > MOST_AT_ONCE) throw new InvalidInputError(`items must be a list of 1 to ${MOST_AT_ONCE} downloads`)
  const requests = items.map((item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new InvalidInputError('Every item must be an object')
    const fields = item as Record<string, unknown>
    const request = fields.repo === undefined
      ? read({ ...fields, use_default_paths: fields.use_default_paths ?? !fields.model_root })
      : readHuggingFace(fields)
    return { request, title: typeof fields.title === 'string' && fields.title !== '' ? fields.title.slice(0, 300) : nameOf(request) }
  })
  return requests.map(({ request, title }) => downloads.enqueue(request, title))
}

function nameOf ({ repo, filename, model_id: model, model_version_id: version }: DownloadRequest): string {
  if (repo !== null) return `${repo} – ${filename}`
  return version === null ? `CivitAI model ${model}` : `CivitAI version ${version}`
}

/** @throws NotFoundError */
export const cancelDownload = ({ downloads }: Pick<Deps, 'downloads'>) => async (id: string): Promise<DownloadView> => {
  getDownload({ downloads })(id)
  await downloads.stop(id, { keep: false })
  return getDownload({ downloads })(id)
}

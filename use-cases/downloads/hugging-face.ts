import type { Downloads } from '../../services/downloads/ports.ts'
import type { DownloadRequest } from '../../services/downloads/types.ts'
import { DomainError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { HuggingFaceClient } from '../../services/hugging-face/types.ts'

/** Weight files of a repository, largest first. @throws InvalidInputError, NotFoundError, DomainError */
export const listRepositoryFiles = ({ huggingFace }: { huggingFace: HuggingFaceClient }) => async (repository: string, revision: string): Promise<{ filename: string, size: number }[]> => {
  if (!huggingFace.isRepository(repository)) throw new InvalidInputError('Invalid repo: it must be "user/name"')
  const outcome = await huggingFace.files(repository, revision || 'main', { urgent: true })
  switch (outcome.kind) {
    case 'found': return outcome.value.map(({ filename, size }) => ({ filename, size }))
    case 'not-found': throw new NotFoundError('Repository not found', 'repository-not-found')
    case 'unauthorized': throw new DomainError('unauthorized', 'repository-gated', 'The repository needs a token with access to it (401)')
    case 'rate-limited': throw new DomainError('unavailable', 'rate-limited', 'Hugging Face asks for patience; try again later')
    default: throw new DomainError('upstream', 'upstream-failed', outcome.message)
  }
}

/** Downloads a file and waits for the end; one that is there already is as good. @throws DomainError `unauthorized` or `failed` */
export const downloadRepositoryFile = ({ downloads }: { downloads: Downloads }) => async (request: DownloadRequest): Promise<{ success: boolean, message: string, path: string | null, download_id: string }> => {
  const { id } = downloads.start(request)
  const { state, result, error } = await downloads.finished(id)
  if (error) throw new DomainError(error.kind === 'unauthorized' ? 'unauthorized' : 'failed', error.code, error.message, { download_id: id })
  if (state !== 'succeeded') return { success: false, message: `Download ${state}`, path: null, download_id: id }
  const present = result?.bytes === 0
  return { success: true, message: present ? 'File already exists' : 'Download complete', path: result?.file_path ?? null, download_id: id }
}

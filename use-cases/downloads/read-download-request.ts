import { randomUUID } from 'node:crypto'
import type { DownloadRequest } from '../../services/downloads/types.ts'
import { InvalidInputError, PathOutsideLibraryError, DomainError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { ServiceNotReadyError } from '../../services/errors.ts'

export interface RequestDeps { libraries: readonly ModelLibrary[] }

const MOST_TEXT = 4096

/**
 * Checks what a client asks to download, before anything is begun or noted.
 * @throws InvalidInputError, PathOutsideLibraryError, ServiceNotReadyError
 */
export const readDownloadRequest = ({ libraries }: RequestDeps) => (body: Record<string, unknown>): DownloadRequest => {
  if (!libraries.every((library) => library.opened)) throw new ServiceNotReadyError()
  const modelId = readId('model_id', body.model_id)
  const versionId = readId('model_version_id', body.model_version_id)
  if (modelId === null && versionId === null) throw new InvalidInputError("Missing required parameter: Please provide either 'model_id' or 'model_version_id'")
  const root = readRoot(libraries, body.model_root)
  return {
    ...commonFields(body),
    provider: 'civitai',
    model_id: modelId,
    model_version_id: versionId,
    repo: null,
    filename: null,
    revision: null,
    model_root: root,
    source: readText('source', body.source) || null,
    file_params: readFileParams(body.file_params),
    replaces: readReplaced(libraries, body.replaces)
  }
}

const REPOSITORY = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/

/** The same for a file of a repository of Hugging Face. */
export const readHuggingFaceRequest = ({ libraries }: RequestDeps) => (body: Record<string, unknown>): DownloadRequest => {
  if (!libraries.every((library) => library.opened)) throw new ServiceNotReadyError()
  const repo = readText('repo', body.repo)
  const filename = readText('filename', body.filename).replaceAll('\\', '/')
  const root = readRoot(libraries, body.model_root)
  if (repo === '' || filename === '' || root === null) throw new InvalidInputError('Missing required parameters: repo, filename, model_root')
  if (!REPOSITORY.test(repo) || repo.split('/').some((part) => part === '.' || part === '..')) throw new InvalidInputError('Invalid repo: it must be "user/name"')
  if (filename.startsWith('/') || filename.split('/').includes('..')) throw new InvalidInputError('Invalid filename')
  return {
    ...commonFields(body),
    provider: 'huggingface',
    model_id: null,
    model_version_id: null,
    repo,
    filename,
    revision: readText('revision', body.revision) || 'main',
    model_root: root,
    source: null,
    file_params: null,
    replaces: null
  }
}

function commonFields (body: Record<string, unknown>): Pick<DownloadRequest, 'download_id' | 'relative_path' | 'use_default_paths' | 'use_save_dir_as_root'> {
  const relative = readText('relative_path', body.relative_path).replaceAll('\\', '/')
  if (relative.startsWith('/') || /^[A-Za-z]:/.test(relative) || relative.split('/').includes('..')) throw new PathOutsideLibraryError('relative_path must lie below the model folder')
  return {
    download_id: readDownloadId(body.download_id) ?? randomUUID(),
    relative_path: relative,
    use_default_paths: isTrue(body.use_default_paths),
    use_save_dir_as_root: isTrue(body.use_save_dir_as_root)
  }
}

/** Clients choose ids as they like, times among them. */
export function readDownloadId (value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : readText('download_id', value).trim()
  if (text.length > 200) throw new InvalidInputError('download_id is too long')
  return text === '' ? undefined : text
}

function readId (name: string, value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
  const id = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (id < 1) throw new InvalidInputError(`Invalid ${name}: Must be an integer`)
  return id
}

function readText (name: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || value.length > MOST_TEXT) throw new InvalidInputError(`${name} must be text`)
  return value
}

function isTrue (value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true')
}

/** Nothing is written outside of the folders that hold models. */
function readRoot (libraries: readonly ModelLibrary[], value: unknown): string | null {
  const text = readText('model_root', value).trim()
  if (text === '') return null
  return insideOne(libraries, text)
}

function insideOne (libraries: readonly ModelLibrary[], path: string): string {
  for (const library of libraries) {
    try {
      return library.contain(path).path
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind !== 'invalid') throw error
    }
  }
  throw new PathOutsideLibraryError()
}

function readReplaced (libraries: readonly ModelLibrary[], value: unknown): string | null {
  const text = readText('replaces', value)
  if (text === '') return null
  const path = insideOne(libraries, text)
  if (!libraries.some((library) => library.index.get(path))) throw new InvalidInputError('The model to replace is not in the library')
  return path
}

/** An object, or its JSON text; what is neither, or empty, names no file. */
function readFileParams (value: unknown): Record<string, unknown> | null {
  const parsed = typeof value === 'string' ? parsedOrNull(value) : value
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || Object.keys(parsed).length === 0) return null
  return parsed as Record<string, unknown>
}

function parsedOrNull (text: string): unknown {
  try {
    return JSON.parse(text.slice(0, MOST_TEXT))
  } catch {
    return null
  }
}

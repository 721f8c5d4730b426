import { lstat } from 'node:fs/promises'
import { posix } from 'node:path'
import { DomainError, InvalidInputError } from '../errors.ts'
import type { HuggingFaceFile } from '../hugging-face/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { destinationNames } from '../network/destinations.ts'
import { ARCHIVE_EXTENSION, safeFileName } from './file-name.ts'
import type { PlanDeps } from './plan-deps.ts'
import type { PlanOutcome } from './plan.ts'
import { below } from './target-directory.ts'
import type { DownloadRequest } from './types.ts'

/** Decides where a file of a repository of Hugging Face goes. @throws DomainError that says why it can't be loaded */
export async function planHuggingFace (deps: PlanDeps, request: DownloadRequest, signal: AbortSignal): Promise<PlanOutcome> {
  const { repo, filename, model_root: base } = request
  if (repo === null || filename === null || base === null) throw new InvalidInputError('Missing required parameters: repo, filename, model_root')
  const revision = request.revision ?? 'main'
  const library = libraryOf(deps, base)
  const relative = request.use_default_paths ? `huggingface/${repo}` : request.relative_path
  const { path: directory, root } = library.contain(below(base, relative))
  const name = safeFileName(filename, library.type)
  if (name.extension === ARCHIVE_EXTENSION) throw new InvalidInputError('Archives of Hugging Face are not unpacked; choose a file of weights', 'file-type-unsupported')
  const present = `${directory}/${name.stem}${name.extension}`
  if (await isFilled(present)) return { present: { path: present, library, message: 'File already exists' } }
  const file = await describe(deps, repo, revision, filename, signal)
  return {
    plan: {
      library,
      title: `${repo} – ${filename}`,
      directory,
      root: root.path,
      ...name,
      identity: `huggingface:${repo}@${revision}/${filename}`,
      urls: [deps.huggingFace.fileUrl(repo, revision, filename)],
      destination: destinationNames.huggingFace,
      sha256: file.sha256,
      size: file.size > 0 ? file.size : null,
      gate: null,
      preview: null,
      fields: { from_civitai: false, hf_url: `https://huggingface.co/${repo}` },
      modelId: null,
      versionId: null,
      fileId: null,
      fileName: posix.basename(filename),
      replaces: null
    }
  }
}

/** The type in whose folders the target lies. @throws PathOutsideLibraryError */
function libraryOf ({ libraries }: PlanDeps, base: string): ModelLibrary {
  for (const library of libraries.slice(0, -1)) {
    try {
      library.contain(base)
      return library
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind !== 'invalid') throw error
    }
  }
  const last = libraries.at(-1)
  if (!last) throw new DomainError('unavailable', 'not-ready', 'Service not ready')
  last.contain(base)
  return last
}

/** What the repository says of the file; its hash is what the download is held against. */
async function describe ({ huggingFace }: PlanDeps, repo: string, revision: string, filename: string, signal: AbortSignal): Promise<HuggingFaceFile> {
  const outcome = await huggingFace.files(repo, revision, { signal, urgent: true })
  if (outcome.kind === 'found') {
    const file = outcome.value.find((one) => one.filename === filename)
    if (!file) throw new DomainError('failed', 'file-not-found', 'The repository has no such file')
    return file
  }
  if (outcome.kind === 'not-found') throw new DomainError('failed', 'repository-not-found', 'There is no such repository')
  if (outcome.kind === 'unauthorized') throw new DomainError('unauthorized', 'download-unauthorized', 'Hugging Face refuses the repository (401): a token with access to it is required')
  if (outcome.kind === 'rate-limited') throw new DomainError('failed', 'rate-limited', 'Hugging Face asks for patience; try again later')
  throw new DomainError('failed', outcome.kind === 'unavailable' && outcome.offline ? 'offline' : 'provider-unavailable', outcome.message)
}

async function isFilled (path: string): Promise<boolean> {
  try {
    return (await lstat(path)).size > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { PreviewAnswer, PreviewRequest, PreviewServing } from '../../services/models/preview-serving.ts'

interface Deps { libraries: readonly Pick<ModelLibrary, 'missPreview'>[], serving: Pick<PreviewServing, 'open'> }

/** What a client that encodes twice meant; undefined when that reads as nothing else. */
function decodedOnceMore (path: string): string | undefined {
  if (!path.includes('%')) return undefined
  try {
    const decoded = decodeURIComponent(path)
    return decoded === path ? undefined : decoded
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/**
 * A preview file. Names may hold `%`, so a path is decoded once more only when there is no file of that name.
 * Answers without waiting when a local file's facts are all it takes.
 * @throws InvalidInputError, ForbiddenPathError, NotFoundError, OfflineError
 */
export const servePreview = ({ libraries, serving }: Deps) => (request: Omit<PreviewRequest, 'path'> & { path: string | undefined }): PreviewAnswer | Promise<PreviewAnswer> => {
  const { path } = request
  if (path === undefined || path === '') throw new InvalidInputError('Missing path parameter')
  const answer = isEncoded(path) ? 'missing' : serving.open({ ...request, path })
  if (answer === 'missing') return secondTry({ ...request, path })
  return answer instanceof Promise ? answer.then((first) => first === 'missing' ? secondTry({ ...request, path }) : first) : answer

  async function secondTry (missing: PreviewRequest): Promise<PreviewAnswer> {
    const decoded = decodedOnceMore(missing.path)
    const second = decoded === undefined ? 'missing' : await serving.open({ ...missing, path: decoded })
    if (second !== 'missing') return second
    for (const library of libraries) library.missPreview(missing.path)
    throw new NotFoundError('Preview not found')
  }
}

/** An absolute path that begins with an escape has been encoded twice. */
const isEncoded = (path: string): boolean => /^(%2f|%5c|[a-z]%3a)/i.test(path)

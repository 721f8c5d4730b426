import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { Root } from '../../services/files/types.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

export interface Source { model: IndexedModel, root: Root }

/**
 * The model that a change is asked for: inside a root, and one that the index knows.
 * @throws PathOutsideLibraryError, InvalidInputError for a root itself, NotFoundError
 */
export function findSource (library: Pick<ModelLibrary, 'contain' | 'index'>, filePath: string): Source {
  const { path, root, relative } = library.contain(filePath)
  if (relative === '') throw new InvalidInputError('A model folder itself is never changed', 'path-is-root')
  const model = library.index.get(path)
  if (!model) throw new NotFoundError('There is no such model', 'model-not-found')
  return { model, root }
}

/** @throws InvalidInputError when the value is no text, or blank */
export function requiredField (value: unknown, message: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw new InvalidInputError(message)
  return value
}

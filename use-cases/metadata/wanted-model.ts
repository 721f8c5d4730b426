import { InvalidInputError, NotFoundError, PathOutsideLibraryError } from '../../services/errors.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { positiveId } from '../../services/query-values.ts'

/** The model that a path means, in the library whose folders hold it: clients post some types to the address of another. @throws PathOutsideLibraryError, NotFoundError */
export function wantedModel (libraries: readonly ModelLibrary[], path: string): IndexedModel {
  for (const library of libraries) {
    const contained = containedPath(library, path)
    if (contained === null) continue
    const model = library.index.get(contained)
    if (!model) throw new NotFoundError('Model not found in cache', 'model-not-found')
    return model
  }
  throw new PathOutsideLibraryError()
}

function containedPath (library: ModelLibrary, path: string): string | null {
  try {
    return library.contain(path).path
  } catch (error) {
    if (error instanceof PathOutsideLibraryError) return null
    throw error
  }
}

/** @throws InvalidInputError with the text given */
export function requiredId (value: unknown, message: string): number {
  const id = positiveId(value)
  if (id === null) throw new InvalidInputError(message)
  return id
}

import { PathOutsideLibraryError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

/** The path inside a root of any type. @throws PathOutsideLibraryError, InvalidInputError */
export function withinLibrary (libraries: readonly Pick<ModelLibrary, 'contain'>[], path: string): string {
  for (const library of libraries) {
    try {
      return library.contain(path).path
    } catch (error) {
      if (!(error instanceof PathOutsideLibraryError)) throw error
    }
  }
  throw new PathOutsideLibraryError()
}

import { InvalidInputError } from '../../services/errors.ts'

/** The library that a body names, under either of the keys that clients use. @throws InvalidInputError without one */
export function libraryName (body: Record<string, unknown>, ...keys: string[]): string {
  for (const key of keys) {
    const name = body[key]
    if (typeof name === 'string' && name.trim() !== '') return name.trim()
  }
  throw new InvalidInputError('Library name is required', 'library-name-required')
}

import { InvalidInputError } from '../errors.ts'

const HASH = /^[0-9a-f]{64}$/i

/** Folders are named by it, so nothing else ever becomes a path. */
export function isModelHash (value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value)
}

/**
 * The SHA-256 of a model as folders bear it, in lower case.
 * @param missing text when there is none at all
 * @throws InvalidInputError for anything but 64 hex digits
 */
export function readModelHash (value: unknown, missing = 'Missing model_hash parameter'): string {
  if (value === undefined || value === null || value === '') throw new InvalidInputError(missing, 'model-hash-missing')
  if (!isModelHash(value)) throw new InvalidInputError('"model_hash" must be the SHA-256 of a model: 64 hex digits', 'model-hash-invalid')
  return value.toLowerCase()
}

/**
 * Domain errors. Each carries a kind, which one table maps to an HTTP status, and a stable code for clients.
 * Messages are written for people and may reach them: no paths outside the library, no keys, no stack.
 */

export type ErrorKind = 'invalid' | 'unauthorized' | 'forbidden' | 'not-found' | 'conflict' | 'too-large' | 'rate-limited' | 'unavailable' | 'upstream' | 'storage-full' | 'failed'

/** The one table from kind to HTTP status. */
export const statusOfKind: Record<ErrorKind, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  /** A provider asks for patience; `fields.retry_after` in seconds where it says how much. */
  'rate-limited': 429,
  unavailable: 503,
  upstream: 502,
  'storage-full': 507,
  /** What clients know as a 500 although nothing of ours is broken, such as a download that came to nothing. */
  failed: 500
}

export class DomainError extends Error {
  readonly kind: ErrorKind
  /** Stable, kebab-case, for programs. */
  readonly code: string
  /** Further fields that the contract of a route wants in its failure body. */
  readonly fields: Record<string, unknown>

  constructor (kind: ErrorKind, code: string, message: string, fields: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DomainError'
    this.kind = kind
    this.code = code
    this.fields = fields
  }
}

export class InvalidInputError extends DomainError {
  constructor (message: string, code = 'invalid-input', options?: ErrorOptions) { super('invalid', code, message, {}, options) }
}

export class PathOutsideLibraryError extends DomainError {
  constructor (message = 'The path is outside the configured model folders') { super('invalid', 'path-outside-library', message) }
}

export class ForbiddenPathError extends DomainError {
  constructor (message = 'Access to this path is not allowed') { super('forbidden', 'path-forbidden', message) }
}

export class NotFoundError extends DomainError {
  constructor (message: string, code = 'not-found') { super('not-found', code, message) }
}

export class ConflictError extends DomainError {
  constructor (message: string, code = 'conflict') { super('conflict', code, message) }
}

/** The index of a type is not opened yet, or a library switch is under way. The text is a literal that clients test for. */
export class ServiceNotReadyError extends DomainError {
  constructor () { super('unavailable', 'not-ready', 'Service not ready') }
}

export class OfflineError extends DomainError {
  constructor (message: string, code = 'root-offline') { super('unavailable', code, message) }
}

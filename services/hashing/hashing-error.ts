import { DomainError, type ErrorKind } from '../errors.ts'

export type HashingFailure = 'not-found' | 'not-a-regular-file' | 'changed-while-read' | 'read-failed' | 'worker-failed' | 'closed'

const kinds: Record<HashingFailure, ErrorKind> = {
  'not-found': 'not-found',
  'not-a-regular-file': 'invalid',
  'changed-while-read': 'conflict',
  'read-failed': 'unavailable',
  'worker-failed': 'unavailable',
  closed: 'unavailable'
}

const texts: Record<HashingFailure, string> = {
  'not-found': 'The file is not there',
  'not-a-regular-file': 'Only regular files can be hashed',
  'changed-while-read': 'The file changed while it was read',
  'read-failed': 'The file could not be read',
  'worker-failed': 'The hashing thread ended unexpectedly',
  closed: 'Hashing has been stopped'
}

/** Why a file has no hash; `code` is one of HashingFailure. The message names no path. */
export class HashingError extends DomainError {
  declare readonly code: HashingFailure
  /** Code of the system's error, or "". */
  readonly detail: string

  constructor (code: HashingFailure, detail = '') {
    super(kinds[code], code, detail ? `${texts[code]} (${detail})` : texts[code])
    this.name = 'HashingError'
    this.detail = detail
  }
}

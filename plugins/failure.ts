import { STATUS_CODES } from 'node:http'
import { DomainError, ServiceNotReadyError, statusOfKind } from '../services/errors.ts'

/** What a client learns of a failure. */
export interface Failure {
  status: number
  /** `error` of the body, or the plain text outside /api. */
  message: string
  code: string
  fields: Record<string, unknown>
  /** A fault of ours: logged with its details, which the client never sees. */
  unexpected: boolean
}

/** Reasons that clients know from elsewhere, where Node words them otherwise. */
const reasons: Record<number, string> = { 413: 'Request Entity Too Large', 414: 'Request-URI Too Long', 416: 'Requested Range Not Satisfiable' }

/** Faults of the machine that the user can mend; everything else unexpected is a 500. */
const systemFaults: Record<string, { status: number, message: string, code: string }> = {
  ENOSPC: { status: 507, message: 'There is no space left on the disk', code: 'storage-full' },
  EDQUOT: { status: 507, message: 'The disk quota is used up', code: 'storage-full' },
  SQLITE_FULL: { status: 507, message: 'There is no space left on the disk', code: 'storage-full' },
  EROFS: { status: 403, message: 'The folder can only be read', code: 'read-only' },
  EACCES: { status: 403, message: 'The file or folder may not be accessed', code: 'access-denied' },
  EPERM: { status: 403, message: 'The file or folder may not be changed', code: 'access-denied' }
}

export function reasonOf (status: number): string {
  return reasons[status] ?? STATUS_CODES[status] ?? 'Error'
}

/** The literal form of failures that no stack words itself, e.g. `404: Not Found`. */
export function httpFailure (status: number, unexpected = false): Failure {
  const reason = reasonOf(status)
  return { status, message: `${status}: ${reason}`, code: reason.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'), fields: {}, unexpected }
}

/** The one place that decides what becomes of an error. */
export function failureOf (error: unknown): Failure {
  if (error instanceof DomainError) {
    return { status: statusOfKind[error.kind], message: error.message, code: error.code, fields: error.fields, unexpected: false }
  }
  const { code, statusCode, validation } = (error instanceof Error ? error : {}) as { code?: unknown, statusCode?: unknown, validation?: unknown }
  if (validation !== undefined) {
    return { status: 400, message: (error as Error).message, code: 'invalid-input', fields: {}, unexpected: false }
  }
  const fault = typeof code === 'string' ? systemFaults[code] : undefined
  if (fault) return { ...fault, fields: {}, unexpected: true }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode <= 599) return httpFailure(statusCode, statusCode >= 500)
  return httpFailure(500, true)
}

/** Failures under /api are JSON, elsewhere plain text; the one literal that clients of pages test for is JSON everywhere. */
export function isJsonFailure (url: string, error: unknown): boolean {
  return url.startsWith('/api/') || url === '/api' || error instanceof ServiceNotReadyError
}

import { DomainError } from '../errors.ts'

interface SystemError extends Error { code: string, syscall: string }

function isSystemError (error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && 'syscall' in error && typeof error.code === 'string'
}

/** What a client may read about a failure: our own messages, else only the class of the fault. Details belong to the log. */
export function failureText (error: unknown): { code: string, message: string } {
  if (error instanceof DomainError) return { code: error.code, message: error.message }
  if (typeof error === 'string') return { code: 'failed', message: error }
  if (isSystemError(error)) return { code: error.code.toLowerCase(), message: `The system refused ${error.syscall}: ${error.code}` }
  return { code: 'internal-error', message: 'An unexpected failure; the log has its details' }
}

import type { Failure } from '../civitai/types.ts'
import { DomainError } from '../errors.ts'
import { failureOf } from '../metadata/sync.ts'

/** What keeps a provider from answering, as an error of these routes: 429, 503 when cut off, else 500. */
export function refusalOf (failure: Exclude<Failure, { kind: 'not-found' }>, label: string): DomainError {
  const { kind, message, ...rest } = failureOf(failure, label)
  if (kind === 'rate-limited') return new DomainError('rate-limited', 'rate-limited', message, 'retryAfter' in rest && rest.retryAfter !== null ? { retry_after: rest.retryAfter } : {})
  return new DomainError(kind === 'offline' ? 'unavailable' : 'failed', kind, message)
}

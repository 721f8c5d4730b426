import { DomainError } from '../errors.ts'

const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])
const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'])
const tls = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/

/** Names what went wrong on the way to a host. Never carries the address itself: it may hold a key. */
export function networkFault (error: unknown, host: string): DomainError {
  if (error instanceof DomainError) return error
  const code = codeOf(error)
  const options = { cause: error }
  if (timeouts.has(code)) return new DomainError('upstream', 'upstream-timeout', `${host} did not answer in time`, {}, options)
  if (unreachable.has(code)) return new DomainError('upstream', 'upstream-unreachable', `${host} can not be reached; it or this machine may be offline`, {}, options)
  if (tls.test(code)) {
    return new DomainError('upstream', 'upstream-tls', `The certificate of ${host} is not trusted (${code}); check the clock, the proxy and the certificates of this machine`, {}, options)
  }
  return new DomainError('upstream', 'upstream-failed', `The connection to ${host} broke${code ? ` (${code})` : ''}`, {}, options)
}

/** The code of the innermost cause that has one: connection errors arrive wrapped, several at once for names with several addresses. */
function codeOf (error: unknown): string {
  if (!(error instanceof Error)) return ''
  const inner = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined)
  const own = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return codeOf(inner) || own
}

import { DomainError } from '../errors.ts'
import type { Door, DoorRequest } from '../network/types.ts'
import type { Outcome } from './types.ts'

const ATTEMPTS = 3
const MOST_BYTES = 48 * 1024 * 1024
const cutOff = new Set(['offline-mode', 'host-offline', 'upstream-unreachable'])

export type Question = Omit<DoorRequest, 'body'> & { body?: unknown }

/**
 * Asks for JSON and says what came of it. A 404 counts only with a JSON body: pages of proxies and content networks know nothing of models.
 * @throws the signal's reason; errors that are faults of this program
 */
export async function askJson (door: Pick<Door, 'request'>, { body, headers, ...question }: Question): Promise<Outcome<unknown>> {
  try {
    const answer = await door.request({
      attempts: ATTEMPTS,
      maxBytes: MOST_BYTES,
      ...question,
      headers: { accept: 'application/json', ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    return read(answer.status, answer.body, answer.retryAfter)
  } catch (error) {
    if (question.signal?.aborted || !(error instanceof DomainError)) throw error
    return failureOf(error)
  }
}

function read (status: number, body: Buffer, retryAfter: number | undefined): Outcome<unknown> {
  if (status === 429) return { kind: 'rate-limited', retryAfter: retryAfter ?? null }
  if (status === 401 || status === 403) return { kind: 'unauthorized' }
  const value = parsed(body)
  if (status === 200) return value === undefined ? { kind: 'invalid', message: 'The answer is not JSON' } : { kind: 'found', value }
  if (status === 404) return value !== null && typeof value === 'object' ? { kind: 'not-found' } : { kind: 'invalid', message: 'The answer 404 comes from no API' }
  if (status >= 500 || status === 408) return { kind: 'unavailable', offline: false, message: `The provider answered ${status}` }
  return { kind: 'invalid', message: `The provider answered ${status}` }
}

function parsed (body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function failureOf (error: DomainError): Outcome<never> {
  if (error.code === 'rate-limited') {
    const seconds = error.fields.retry_after
    return { kind: 'rate-limited', retryAfter: typeof seconds === 'number' ? seconds : null }
  }
  if (error.code === 'answer-too-large') return { kind: 'invalid', message: error.message }
  return { kind: 'unavailable', offline: cutOff.has(error.code), message: error.message }
}

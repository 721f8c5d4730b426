import { DomainError } from '../errors.ts'
import type { AnswerHeaders, DoorStream } from '../network/types.ts'

/** What was asked for. */
export interface Asked {
  url: string
  /** Bytes that are here already; 0 asks for the whole file. */
  offset: number
  etag: string | null
  total: number | null
}

export interface FileFacts { etag: string | null, lastModified: string | null, total: number | null }

/** What is to be made of an answer before a byte of it is written. */
export type Verdict =
  /** The rest, from the byte asked for. */
  | { kind: 'continue', facts: FileFacts }
  /** The whole file from its beginning. */
  | { kind: 'whole', facts: FileFacts }
  /** Everything is here already. */
  | { kind: 'complete', total: number }
  /** What is here is of another file: throw it away and ask anew. */
  | { kind: 'changed', reason: string }
  /** May go better later; `after` in seconds when the host named a time. */
  | { kind: 'retry', error: DomainError, after?: number | undefined }
  /** The signed address may have expired on the way: ask the provider once more. */
  | { kind: 'expired', error: DomainError }
  /** This address will not give the file. */
  | { kind: 'refused', error: DomainError }

type Answer = Pick<DoorStream, 'status' | 'headers' | 'finalUrl' | 'retryAfter'>

const LATER = new Set([408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524])
const EXPIRED = new Set([401, 403, 410])

export function judgeAnswer (answer: Answer, asked: Asked): Verdict {
  const { status, headers } = answer
  if (status === 416) return judgeUnsatisfied(headers, asked)
  if (status === 200 || status === 206) return isPage(answer) ? judgePage(answer, asked) : status === 200 ? judgeWhole(headers) : judgeRest(headers, asked)
  if (LATER.has(status)) return { kind: 'retry', error: upstream(`The host answered ${status}`), after: answer.retryAfter }
  if (EXPIRED.has(status) && originOf(answer.finalUrl) !== originOf(asked.url)) return { kind: 'expired', error: refusal(status) }
  return { kind: 'refused', error: refusal(status) }
}

function judgeWhole (headers: AnswerHeaders): Verdict {
  const length = text(headers, 'content-length')
  return { kind: 'whole', facts: facts(headers, /^\d+$/.test(length) ? Number(length) : null) }
}

function judgeRest (headers: AnswerHeaders, asked: Asked): Verdict {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text(headers, 'content-range'))
  if (!range) return { kind: 'changed', reason: 'the host does not say which part it sends' }
  const [start, total] = [Number(range[1]), range[3] === '*' ? asked.total : Number(range[3])]
  const etag = text(headers, 'etag') || null
  if (start !== asked.offset) return { kind: 'changed', reason: 'the host sends another part than was asked for' }
  if (asked.total !== null && total !== asked.total) return { kind: 'changed', reason: 'the file has another size now' }
  if (asked.etag !== null && etag !== null && etag !== asked.etag) return { kind: 'changed', reason: 'the file was exchanged at the host' }
  return { kind: 'continue', facts: facts(headers, total) }
}

function judgeUnsatisfied (headers: AnswerHeaders, { offset, total }: Asked): Verdict {
  const said = /^bytes \*\/(\d+)$/.exec(text(headers, 'content-range'))
  const known = said ? Number(said[1]) : total
  return known !== null && known === offset && offset > 0 ? { kind: 'complete', total: known } : { kind: 'changed', reason: 'the file is shorter than what is here' }
}

/** A page where a file should be: a log-in form, or an error that says 200. */
function judgePage ({ finalUrl }: Answer, asked: Asked): Verdict {
  const login = URL.canParse(finalUrl) && /\/(?:login|signin|auth)\b/i.test(new URL(finalUrl).pathname)
  if (login) return { kind: 'refused', error: refusal(401) }
  const error = upstream('The host sent a web page instead of the file')
  return originOf(finalUrl) === originOf(asked.url) ? { kind: 'retry', error } : { kind: 'expired', error }
}

function isPage ({ headers }: Answer): boolean {
  return /^(?:text\/html|application\/xhtml|application\/json|application\/problem)/i.test(text(headers, 'content-type').trim())
}

function facts (headers: AnswerHeaders, total: number | null): FileFacts {
  return { etag: text(headers, 'etag') || null, lastModified: text(headers, 'last-modified') || null, total }
}

function refusal (status: number): DomainError {
  if (status === 401 || status === 403) {
    return new DomainError('unauthorized', 'download-unauthorized', `The host refuses the file (${status})`, { status })
  }
  return status === 404 || status === 410
    ? new DomainError('upstream', 'download-gone', `The host does not have the file (${status})`, { status })
    : new DomainError('upstream', 'download-refused', `The host answered ${status} instead of the file`, { status })
}

function upstream (message: string): DomainError {
  return new DomainError('upstream', 'download-failed', message)
}

function originOf (url: string): string {
  return URL.canParse(url) ? new URL(url).origin : ''
}

function text (headers: AnswerHeaders, name: string): string {
  return [headers[name]].flat()[0] ?? ''
}

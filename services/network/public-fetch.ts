import type { Dispatcher } from 'undici'
import { DomainError } from '../errors.ts'
import { AddressRefusedError, readPublicUrl } from './guard.ts'
import { networkFault } from './network-fault.ts'
import type { PublicAnswer, PublicRequest } from './types.ts'

const MOST_REDIRECTS = 5
const redirects = new Set([301, 302, 303, 307, 308])

export interface PublicFetchDeps {
  /** The road for a hop: guarded, or open for an exempt origin. */
  dispatcherFor (exempt: boolean): Promise<Dispatcher>
  /** The program's own providers, wherever the user has put them. */
  isExempt (origin: string): boolean
  headers: Record<string, string>
}

/** Fetches what a user or a remote document named, following redirects; each hop is judged anew and bears no credentials. */
export async function fetchPublic (text: string, { maxBytes, signal }: PublicRequest, deps: PublicFetchDeps): Promise<PublicAnswer> {
  let url = readPublicUrl(text, deps.isExempt)
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const answer = await ask(url, signal, deps)
    const location = redirects.has(answer.statusCode) ? answer.headers.location : undefined
    if (location === undefined) return await finish(answer, url, maxBytes, signal)
    discard(answer)
    const next = String(location)
    url = readPublicUrl(URL.canParse(next, url.href) ? new URL(next, url).href : next, deps.isExempt)
  }
  throw new DomainError('upstream', 'too-many-redirects', `${url.hostname} redirects too often`)
}

async function ask (url: URL, signal: AbortSignal | undefined, { dispatcherFor, isExempt, headers }: PublicFetchDeps): Promise<Dispatcher.ResponseData> {
  try {
    const { request } = await import('undici')
    return await request(url, { dispatcher: await dispatcherFor(isExempt(url.origin)), method: 'GET', headers, ...(signal && { signal }) })
  } catch (error) {
    throw fault(error, url, signal)
  }
}

async function finish (answer: Dispatcher.ResponseData, url: URL, maxBytes: number, signal: AbortSignal | undefined): Promise<PublicAnswer> {
  if (answer.statusCode !== 200) {
    discard(answer)
    throw new DomainError('upstream', 'upstream-status', `${url.hostname} answered ${answer.statusCode}`)
  }
  const tooLarge = (): DomainError => new DomainError('upstream', 'answer-too-large', `The answer is larger than ${maxBytes} bytes`)
  if (Number(answer.headers['content-length']) > maxBytes) {
    discard(answer)
    throw tooLarge()
  }
  try {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge()
      chunks.push(chunk)
    }
    return { url: url.href, body: Buffer.concat(chunks, length) }
  } catch (error) {
    throw fault(error, url, signal)
  }
}

/** Breaking off raises an error on the stream, which tells nothing new. */
function discard ({ body }: Dispatcher.ResponseData): void {
  body.once('error', () => undefined).destroy()
}

function fault (error: unknown, url: URL, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  return refusal(error) ?? networkFault(error, url.hostname)
}

/** The refusal of the connector's look-up, however deep it arrives wrapped. */
function refusal (error: unknown): AddressRefusedError | undefined {
  if (error instanceof AddressRefusedError) return error
  if (error instanceof AggregateError) return error.errors.map(refusal).find((found) => found !== undefined)
  return error instanceof Error && error.cause !== undefined ? refusal(error.cause) : undefined
}

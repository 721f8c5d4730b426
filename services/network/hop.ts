import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { DomainError } from '../errors.ts'
import type { Lane, Turn } from './budget.ts'
import type { NetworkClock } from './clock.ts'
import type { Ledger } from './ledger.ts'
import type { Host, Hosts } from './hosts.ts'
import { AddressRefusedError } from './guard.ts'
import { observableHeaders, readRetryAfter } from './headers.ts'
import { networkFault } from './network-fault.ts'
import type { RoadKind, Roads } from './roads.ts'
import type { AnswerHeaders, CallOptions, OutgoingRequest } from './types.ts'

const PATIENCE_MS = 30_000
const IDLE_MS = 60_000
/** Larger steps for files: fewer turns of the loop for the same bytes. */
const FILE_BUFFER_BYTES = 1024 * 1024

/** One request to one host. */
export interface Hop extends CallOptions {
  destination: string
  url: URL
  method: 'GET' | 'POST' | 'HEAD'
  /** Complete: what is not here is not sent. */
  headers: Record<string, string>
  body?: string | undefined
  lane: Lane
  road: RoadKind
  idleMs?: number | undefined
}

/** The body's errors are DomainErrors; it holds the turn until it is read or destroyed. */
export interface HopAnswer { status: number, headers: AnswerHeaders, body: Readable, retryAfter: number | undefined }

export interface HopDeps {
  hosts: Hosts
  roads: Roads
  ledger: Ledger
  clock: NetworkClock
  /** @throws DomainError when nothing may go out */
  checkOpen (destination: string): void
  announce (request: OutgoingRequest): void
  /** Aborts when everything under way has to end at once, with the reason. */
  cutOff (): AbortSignal
}

/** Sends one request within the budget of its host, and lets nobody forget what came of it. */
export function createHopSender (deps: HopDeps): (hop: Hop) => Promise<HopAnswer> {
  const { hosts, ledger, clock, checkOpen } = deps

  return async (hop) => {
    const host = hosts.of(hop.url.origin)
    const ended = bothSignals(hop.signal, deps.cutOff())
    let turn: Turn | undefined
    try {
      if (hop.lane === 'calls') host.circuit.check(hop.urgent === true)
      turn = await host.budget.take({ lane: hop.lane, urgent: hop.urgent === true, patienceMs: hop.patienceMs ?? PATIENCE_MS, signal: ended.signal })
      // The switches may have been turned while it waited.
      checkOpen(hop.destination)
      const answer = await send(hop, ended.signal, deps)
      return accept(answer, { hop, host, turn, ended, ledger, clock })
    } catch (error) {
      const fault = faultOf(error, hop.url.hostname, ended.signal)
      if (turn) {
        ledger.count(hop.destination, 'failed')
        if (fault instanceof DomainError) reportFault(host, hop.lane, fault, turn)
        turn.release()
      }
      ended.forget()
      throw fault
    }
  }
}

async function send (hop: Hop, signal: AbortSignal, { roads, announce, ledger }: HopDeps): Promise<Dispatcher.ResponseData> {
  const dispatcher = await roads.dispatcher(hop.road)
  const { request } = await import('undici')
  ledger.count(hop.destination, 'requests')
  announce({ destination: hop.destination, method: hop.method, origin: hop.url.origin, path: hop.url.pathname, headers: observableHeaders(hop.headers) })
  return await request(hop.url, {
    dispatcher,
    method: hop.method,
    headers: hop.headers,
    headersTimeout: hop.idleMs ?? IDLE_MS,
    bodyTimeout: hop.idleMs ?? IDLE_MS,
    signal,
    ...(hop.lane === 'transfers' && { highWaterMark: FILE_BUFFER_BYTES }),
    ...(hop.body !== undefined && { body: hop.body })
  })
}

interface Accepting { hop: Hop, host: Host, turn: Turn, ended: ReturnType<typeof bothSignals>, ledger: Ledger, clock: NetworkClock }

function accept ({ statusCode: status, headers, body }: Dispatcher.ResponseData, { hop, host, turn, ended, ledger, clock }: Accepting): HopAnswer {
  const retryAfter = status === 429 || status === 503 ? readRetryAfter(headers, clock.now()) : undefined
  host.circuit.report('reached', turn.since)
  host.budget.report(turn, status, retryAfter)
  ledger.count(hop.destination, status === 429 ? 'rate_limited' : status >= 400 ? 'failed' : 'succeeded')
  watchBody(body, {
    onBytes: (bytes) => { ledger.count(hop.destination, 'bytes', bytes) },
    translate: (error) => faultOf(error, hop.url.hostname, ended.signal)
  })
  body.once('close', () => {
    ended.forget()
    turn.release()
  })
  return { status, headers, body, retryAfter }
}

/** Hooks of the stream itself, since a stream in between would copy every byte once more. */
function watchBody (body: Readable, { onBytes, translate }: { onBytes: (bytes: number) => void, translate: (error: unknown) => Error }): void {
  // What came together with the headers lies in the stream already.
  onBytes(body.readableLength)
  const push = body.push.bind(body)
  body.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk) onBytes(chunk.length)
    return push(chunk, encoding)
  }
  const destroy = body._destroy.bind(body)
  // Who breaks off without a reason is not told that it was broken off.
  body._destroy = (error, done) => { destroy(error, () => { done(error ? translate(error) : null) }) }
}

function faultOf (error: unknown, host: string, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new DomainError('unavailable', 'cancelled', 'The request was cancelled')
  return refusal(error) ?? (error instanceof TypeError && !('code' in error) ? error : networkFault(error, host))
}

/** The refusal of the connector's look-up, however deep it arrives wrapped. */
function refusal (error: unknown): AddressRefusedError | undefined {
  if (error instanceof AddressRefusedError) return error
  if (error instanceof AggregateError) return error.errors.map(refusal).find((found) => found !== undefined)
  return error instanceof Error && error.cause !== undefined ? refusal(error.cause) : undefined
}

function reportFault ({ circuit }: Host, lane: Lane, { code }: DomainError, { since }: Turn): void {
  if (lane === 'transfers') return
  if (code === 'upstream-timeout') circuit.report('timeout', since)
  else if (code === 'upstream-unreachable') circuit.report('unreachable', since)
}

/** Ends with the first of the two. AbortSignal.any would hang one more listener on the long-lived one for each request. */
function bothSignals (own: AbortSignal | undefined, common: AbortSignal): { signal: AbortSignal, forget: () => void } {
  const controller = new AbortController()
  const sources = own ? [own, common] : [common]
  const stops = sources.map((source) => {
    const stop = (): void => { controller.abort(source.reason) }
    if (source.aborted) stop()
    else source.addEventListener('abort', stop, { once: true })
    return () => { source.removeEventListener('abort', stop) }
  })
  return { signal: controller.signal, forget () { for (const stop of stops) stop() } }
}

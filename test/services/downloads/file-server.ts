import { createHash, randomFillSync } from 'node:crypto'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { DomainError } from '../../../services/errors.ts'
import type { Door, DoorStream } from '../../../services/network/types.ts'

/** A file as a server has it. */
export interface Served { bytes: Buffer, etag: string | null, type?: string }

export interface FileServer {
  readonly url: string
  readonly port: number
  served: Served
  /** Takes a request in place of the usual answer; null is the usual one. */
  answer: ((request: IncomingMessage, response: ServerResponse, n: number) => boolean) | null
  /** What was asked, in order. */
  requests: { range: string | undefined, ifRange: string | undefined, path: string }[]
  /** Bytes of bodies handed to the system. */
  sent: number
  /** Milliseconds between chunks; 0 sends as fast as it is read, and then much lies in buffers on the way. */
  paceMs: number
  /** Breaks every connection off. */
  cut (): void
}

/** Sends a file in ranges, as storage hosts do, with whatever fault a test asks for. */
export async function fileServer (t: Pick<Test, 'teardown'>, served: Served): Promise<FileServer> {
  const server = createServer()
  const state: FileServer = {
    url: '',
    port: 0,
    served,
    answer: null,
    requests: [],
    sent: 0,
    paceMs: 0,
    cut () { server.closeAllConnections() }
  }
  server.on('request', (request, response) => {
    state.requests.push({ range: request.headers.range, ifRange: request.headers['if-range'] as string | undefined, path: request.url ?? '' })
    if (state.answer?.(request, response, state.requests.length)) return
    sendFile(state, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const { port } = server.address() as AddressInfo
  return Object.assign(state, { port, url: `http://127.0.0.1:${port}/file` })
}

export function sendFile (server: FileServer, request: IncomingMessage, response: ServerResponse, options: { upTo?: number, chunk?: number } = {}): void {
  const { bytes, etag, type = 'application/octet-stream' } = server.served
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const same = request.headers['if-range'] === undefined || request.headers['if-range'] === etag
  const from = asked && same ? Number(asked[1]) : 0
  const headers = { 'content-type': type, 'accept-ranges': 'bytes', ...(etag !== null && { etag }) }
  if (asked && same && from >= bytes.length) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  const partial = asked !== null && same
  response.writeHead(partial ? 206 : 200, { ...headers, 'content-length': bytes.length - from, ...(partial && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }) })
  const end = options.upTo === undefined ? bytes.length : Math.min(bytes.length, Math.max(from, options.upTo))
  pour(server, response, bytes, from, end, options.chunk ?? 256 * 1024).catch((error: unknown) => { response.destroy(error as Error) })
}

async function pour (server: FileServer, response: ServerResponse, bytes: Buffer, from: number, end: number, chunk: number): Promise<void> {
  for (let at = from; at < end; at += chunk) {
    if (response.destroyed) return
    const part = bytes.subarray(at, Math.min(at + chunk, end))
    server.sent += part.length
    if (server.paceMs > 0) await delay(server.paceMs)
    if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  if (end < bytes.length) response.destroy()
  else response.end()
}

/** A door without guard, budget or credentials: requests of tests to their own servers on loopback. */
export function plainDoor (): Pick<Door, 'stream'> {
  return {
    async stream ({ url, headers = {}, signal, stallMs = 60_000 }) {
      let at = url
      for (let hop = 0; hop < 5; hop++) {
        const answer = await ask(at, headers, signal)
        const location = [301, 302, 307].includes(answer.statusCode ?? 0) ? answer.headers.location : undefined
        if (location === undefined) return streamOf(answer, at, stallMs)
        answer.resume()
        at = new URL(location, at).href
      }
      throw new DomainError('upstream', 'too-many-redirects', 'too many redirects')
    }
  }
}

function streamOf (answer: IncomingMessage, finalUrl: string, stallMs: number): DoorStream {
  answer.setTimeout(stallMs, () => { answer.destroy(new DomainError('upstream', 'upstream-timeout', 'stalled')) })
  const retryAfter = Number(answer.headers['retry-after'])
  const body = answer.on('error', () => undefined)
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: faultsNamed(body), finalUrl, ...(retryAfter > 0 && { retryAfter }) }
}

function faultsNamed (body: IncomingMessage): DoorStream['body'] {
  const destroy = body.destroy.bind(body)
  body.destroy = (error) => destroy(error === undefined || error instanceof DomainError || error.name !== 'Error' ? error : new DomainError('upstream', 'upstream-failed', error.message))
  return body
}

async function ask (url: string, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  try {
    const request = get(url, { headers, agent: false, ...(signal && { signal }) })
    const [answer] = await once(request, 'response') as [IncomingMessage]
    request.on('error', () => undefined)
    return answer
  } catch (error) {
    signal?.throwIfAborted()
    throw new DomainError('upstream', 'upstream-unreachable', (error as Error).message)
  }
}

/** A safetensors file of the given size with random weights. */
export function weights (size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  const header = JSON.stringify({ __metadata__: { format: 'pt' } })
  randomFillSync(bytes)
  bytes.writeBigUInt64LE(BigInt(header.length), 0)
  bytes.write(header, 8)
  return bytes
}

export function sha256 (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

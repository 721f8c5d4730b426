import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { readBytes, type CatalogueFile } from './catalogue.ts'
import type { Fault } from './faults.ts'

const HTML = '<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Please try again later</h1></body></html>'

/** Carries out what a fault says of the whole answer. True when nothing is left to answer. */
export async function sendFault (fault: Fault, response: ServerResponse): Promise<boolean> {
  if (fault.delayMs !== undefined) await sleep(fault.delayMs)
  if (fault.hang) return true
  if (fault.reset) {
    response.socket?.destroy()
    return true
  }
  for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value)
  if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter))
  if (fault.location !== undefined) {
    response.writeHead(fault.status ?? 302, { location: fault.location }).end()
    return true
  }
  if (fault.html) {
    response.writeHead(fault.status ?? 200, { 'content-type': 'text/html; charset=utf-8' })
    await sendBody(Readable.from([Buffer.from(HTML)]), response, fault)
    return true
  }
  if (fault.status === undefined && fault.body === undefined) return false
  await sendJson(response, fault.body ?? { error: `Scripted ${fault.status ?? 200}` }, fault.status ?? 200, fault)
  return true
}

export async function sendJson (response: ServerResponse, value: unknown, status = 200, fault: Fault = {}): Promise<void> {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...(!fault.chunked && { 'content-length': bytes.length }) })
  await sendBody(Readable.from([bytes]), response, fault)
}

/** A file with ranges, validators and whatever the fault makes of them. */
export async function sendFile (request: IncomingMessage, response: ServerResponse, file: CatalogueFile, fault: Fault = {}): Promise<void> {
  const etag = fault.etag ?? file.etag
  response.setHeader('etag', etag)
  response.setHeader('accept-ranges', 'bytes')
  response.setHeader('last-modified', 'Mon, 01 Jan 2024 00:00:00 GMT')
  response.setHeader('content-type', 'application/octet-stream')
  response.setHeader('content-disposition', `attachment; filename="${encodeURIComponent(file.name)}"`)
  const range = fault.ignoreRange ? null : readRange(request, file.size, etag)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.size}`, 'content-length': 0 }).end()
    return
  }
  const start = range ? Math.max(0, range.start + (fault.shiftRange ?? 0)) : 0
  const end = range?.end ?? file.size
  if (range) response.setHeader('content-range', `bytes ${start}-${end - 1}/${file.size}`)
  if (!fault.chunked) response.setHeader('content-length', end - start)
  response.writeHead(range ? 206 : 200)
  if (request.method === 'HEAD') response.end()
  else await sendBody(readBytes(file.source, start, end), response, fault)
}

function readRange (request: IncomingMessage, size: number, etag: string): { start: number, end: number } | 'unsatisfiable' | null {
  const found = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const condition = request.headers['if-range']
  if (!found || (condition !== undefined && condition !== etag && condition !== 'Mon, 01 Jan 2024 00:00:00 GMT')) return null
  const start = Number(found[1])
  const end = found[2] ? Math.min(size, Number(found[2]) + 1) : size
  return start >= size || end <= start ? 'unsatisfiable' : { start, end }
}

async function sendBody (source: Readable, response: ServerResponse, fault: Fault): Promise<void> {
  const spoilt = fault.cutAfter !== undefined || fault.stallAfter !== undefined || fault.slow !== undefined || fault.wrongBytes === true
  if (!spoilt) {
    // Clients may leave at any time; that is their business.
    await pipeline(source, response).catch(() => undefined)
    return
  }
  let sent = 0
  const limit = Math.min(fault.cutAfter ?? Infinity, fault.stallAfter ?? Infinity)
  response.flushHeaders()
  for await (const chunk of pieces(source, fault)) {
    const part = chunk.subarray(0, Math.min(chunk.length, limit - sent))
    if (response.destroyed) return
    await new Promise<void>((resolve) => {
      response.once('close', resolve)
      response.write(part, () => {
        response.off('close', resolve)
        resolve()
      })
    })
    sent += part.length
    if (sent >= limit) {
      if (fault.cutAfter !== undefined && fault.cutAfter <= limit) response.socket?.destroy()
      return
    }
  }
  response.end()
}

async function * pieces (source: Readable, { slow, wrongBytes }: Fault): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const bytes = wrongBytes ? Buffer.from(chunk.map((byte) => byte ^ 0x5a)) : chunk
    for (let at = 0; at < bytes.length; at += slow?.bytes ?? bytes.length) {
      if (slow) await sleep(slow.everyMs)
      yield bytes.subarray(at, at + (slow?.bytes ?? bytes.length))
    }
  }
}

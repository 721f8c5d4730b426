import type { Readable } from 'node:stream'
import { DomainError } from '../errors.ts'
import type { AnswerHeaders } from './types.ts'

/** @throws DomainError `answer-too-large` beyond the limit; the connection is broken off then */
export async function readBody ({ headers, body }: { headers: AnswerHeaders, body: Readable }, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): DomainError => new DomainError('upstream', 'answer-too-large', `The answer is larger than ${maxBytes} bytes`)
  if (Number(headers['content-length']) > maxBytes) {
    discard(body)
    throw tooLarge()
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

const SMALL_BYTES = 64 * 1024

/** Done with an answer. A small body is read to its end, which keeps the connection; a larger one is broken off. */
export function discard (body: Readable, headers: AnswerHeaders = {}): void {
  // What goes wrong now concerns nobody any more.
  body.once('error', () => undefined)
  if (Number(headers['content-length']) <= SMALL_BYTES) body.resume()
  else body.destroy()
}

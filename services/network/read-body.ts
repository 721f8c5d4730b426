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

/** Breaking off raises an error on the stream, which tells nothing new. */
export function discard (body: Readable): void {
  body.once('error', () => undefined).destroy()
}

import { Transform } from 'node:stream'
import { InvalidInputError } from '../errors.ts'

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/
/** A data URL says in so many bytes at most what it holds. */
const LONGEST_HEAD = 1024

const notBase64 = (): InvalidInputError => new InvalidInputError('Invalid base64 image data', 'base64-invalid')

/** Bytes out of base64 text as it comes, so that no image lies in memory twice; the head of a data URL is dropped. */
export function createBase64Decoder (): Transform {
  let head: string | null = ''
  let rest = ''
  let ended = false

  function decode (text: string, last: boolean): Buffer {
    const all = rest + text.replaceAll(/\s+/g, '')
    const whole = last ? all : all.slice(0, all.length - all.length % 4)
    rest = all.slice(whole.length)
    if (!BASE64.test(whole) || (ended && whole !== '')) throw notBase64()
    ended ||= whole.endsWith('=')
    return Buffer.from(whole, 'base64')
  }

  /** Waits until it is known whether a head comes first. */
  function withoutHead (text: string, last: boolean): string {
    if (head === null) return text
    head += text
    const isUrl = /^\s*data:/i.test(head)
    if (isUrl && !head.includes(',')) {
      if (last || head.length > LONGEST_HEAD) throw notBase64()
      return ''
    }
    if (head.trimStart().length < 5 && !last) return ''
    const body = isUrl ? head.slice(head.indexOf(',') + 1) : head
    head = null
    return body
  }

  function step (text: string, last: boolean, done: (error: Error | null, data?: Buffer) => void): void {
    try {
      done(null, decode(withoutHead(text, last), last))
    } catch (error) {
      done(error as Error)
    }
  }

  return new Transform({
    transform (chunk: Buffer, _encoding, done) { step(chunk.toString('latin1'), false, done) },
    flush (done) { step('', true, done) }
  })
}

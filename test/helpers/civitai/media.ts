import { crc32 } from 'node:zlib'

/** A picture of one point. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const HEADER_END = 33

function textChunk (text: string, keyword = 'Comment'): Buffer {
  const body = Buffer.concat([Buffer.from('tEXt'), Buffer.from(`${keyword}\0${text}`, 'latin1')])
  const chunk = Buffer.alloc(body.length + 8)
  chunk.writeUInt32BE(body.length - 4)
  body.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(body), chunk.length - 4)
  return chunk
}

/** What a media address answers: a picture, or a film for `.mp4`, that says its own address, so that each is another file. */
export function mediaOf (path: string): { bytes: Buffer, type: string } {
  if (path.endsWith('.mp4')) return { type: 'video/mp4', bytes: Buffer.concat([Buffer.from('00000018667479706d70343200000000', 'hex'), Buffer.from('mp42isom'), Buffer.from(path)]) }
  return { type: 'image/png', bytes: Buffer.concat([PIXEL.subarray(0, HEADER_END), textChunk(path), PIXEL.subarray(HEADER_END)]) }
}

/** A picture that carries generation parameters as A1111 writes them. */
export function pictureSaying (parameters: string): Buffer {
  return Buffer.concat([PIXEL.subarray(0, HEADER_END), textChunk(parameters, 'parameters'), PIXEL.subarray(HEADER_END)])
}

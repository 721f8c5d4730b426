import type { FastifyReply } from 'fastify'
import type { FrameSink } from '../../services/progress/types.ts'

/** Turns a reply into a stream of server-sent events; the id of each is the frame's position. */
export function openEventStream (reply: FastifyReply): { sink: FrameSink, ping: () => void, end: () => void } {
  const { raw } = reply.hijack()
  raw.writeHead(200, {
    ...reply.getHeaders() as Record<string, string>,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'close'
  })
  // Tells a client at once that it is connected.
  raw.write(': connected\n\n')
  const sink: FrameSink = {
    send (text, position) { raw.write(`${position === undefined ? '' : `id: ${position}\n`}data: ${text}\n\n`) },
    get bufferedAmount () { return raw.writableLength + (raw.socket?.writableLength ?? 0) },
    close () { raw.destroy() }
  }
  return { sink, ping: () => { raw.write(': ping\n\n') }, end: () => { raw.end() } }
}

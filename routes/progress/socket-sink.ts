import type { WebSocket } from 'ws'
import type { FrameSink } from '../../services/progress/types.ts'

/** A WebSocket as the hub sees it. */
export function socketSink (socket: WebSocket): FrameSink {
  return {
    send (text) { socket.send(text) },
    get bufferedAmount () { return socket.bufferedAmount },
    close () { socket.terminate() }
  }
}

/** Lets only frames through that speak of one operation. */
export function sinkOfOperation (sink: FrameSink, id: string): FrameSink {
  const mark = `"operation_id":${JSON.stringify(id)}`
  return {
    send (text, position) { if (text.includes(mark)) sink.send(text, position) },
    get bufferedAmount () { return sink.bufferedAmount },
    ...(sink.close && { close: sink.close })
  }
}

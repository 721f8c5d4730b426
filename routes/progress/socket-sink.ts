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

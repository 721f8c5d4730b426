import type { FrameSink } from './types.ts'

const SKIP_ABOVE_BYTES = 1024 * 1024
const DROP_ABOVE_BYTES = 16 * 1024 * 1024

/** One slow reader must never hold up the others or the process: it is passed over, and given up when its queue runs away. */
export function paceOf (sink: FrameSink): 'send' | 'skip' | 'drop' {
  const queued = sink.bufferedAmount
  if (queued > DROP_ABOVE_BYTES) return 'drop'
  return queued > SKIP_ABOVE_BYTES ? 'skip' : 'send'
}

/** False when the reader is gone. */
export function trySend (sink: FrameSink, text: string, position?: string): boolean {
  try {
    sink.send(text, position)
    return true
  } catch {
    // A socket that closes between two frames throws; its close handler does the rest.
    return false
  }
}

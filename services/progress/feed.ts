import type { FrameSink } from './types.ts'
import { paceOf, trySend } from './pace.ts'

/** The v1 feed: a ring of serialised frames and its readers, each with the position it has reached. */
export interface Feed {
  readonly size: number
  /** Number of the next frame. */
  readonly nextSeq: number
  /** `text` is the frame numbered `nextSeq`. */
  append (text: string): void
  subscribe (sink: FrameSink, after?: string): () => void
  /** Sends skipped readers what they missed; true while somebody is still behind. */
  catchUp (): boolean
}

interface Reader { sink: FrameSink, reached: number }

const RESYNC = '{"type":"resync"}'

export function createFeed (epoch: string, capacity: number): Feed {
  const ring: string[] = new Array<string>(capacity)
  const readers = new Set<Reader>()
  let last = 0

  const oldest = (): number => Math.max(1, last - capacity + 1)

  function drop (reader: Reader): void {
    readers.delete(reader)
    reader.sink.close?.()
  }

  /** Brings one reader up to the last frame, as far as it reads. */
  function advance (reader: Reader): void {
    if (reader.reached + 1 < oldest()) {
      if (paceOf(reader.sink) !== 'send') return
      if (!trySend(reader.sink, RESYNC, `${epoch}:${last}`)) return drop(reader)
      reader.reached = last
      return
    }
    while (reader.reached < last) {
      const pace = paceOf(reader.sink)
      if (pace === 'skip') return
      const seq = reader.reached + 1
      if (pace === 'drop' || !trySend(reader.sink, ring[seq % capacity] ?? RESYNC, `${epoch}:${seq}`)) return drop(reader)
      reader.reached = seq
    }
  }

  /** The number after which to replay, or null for a position that this ring does not know. */
  function positionOf (after: string): number | null {
    const colon = after.lastIndexOf(':')
    const seq = after.slice(colon + 1)
    if (after.slice(0, colon) !== epoch || !/^\d{1,15}$/.test(seq)) return null
    const reached = Number(seq)
    return reached <= last && reached + 1 >= oldest() ? reached : null
  }

  return {
    get size () { return readers.size },
    get nextSeq () { return last + 1 },
    append (text) {
      last++
      ring[last % capacity] = text
      for (const reader of readers) {
        if (paceOf(reader.sink) === 'drop') drop(reader)
        else advance(reader)
      }
    },
    subscribe (sink, after) {
      const known = after === undefined ? last : positionOf(after)
      const reader: Reader = { sink, reached: known ?? last }
      if (known === null) trySend(sink, RESYNC, `${epoch}:${last}`)
      readers.add(reader)
      advance(reader)
      return () => { readers.delete(reader) }
    },
    catchUp () {
      let behind = false
      for (const reader of readers) {
        if (reader.reached < last) advance(reader)
        behind ||= reader.reached < last && readers.has(reader)
      }
      return behind
    }
  }
}

import { EventEmitter, once } from 'node:events'
import type { PartFault, PartReply, PartRequest } from './part-messages.ts'

/** A file that grows at its end, written and hashed in a thread of its own. */
export interface PartFile {
  /** Bytes handed to the system. */
  readonly written: number
  /** Takes a chunk; a promise when it has to wait for the disk before more may come. @throws what the disk says */
  push (chunk: Buffer): Promise<void> | undefined
  /** Resolves when everything pushed is written. @throws what the disk says */
  drained (): Promise<void>
  /** What is written is on the disk when this resolves; answers how much that is. */
  sync (): Promise<number>
  /** Lower-case SHA-256 of the whole file, null when it was begun before it was opened here. */
  digest (): Promise<string | null>
  /** Cuts the file; what was pushed is written or forgotten before. */
  cut (length: number): Promise<void>
  close (): Promise<void>
}

/** Bytes go over together, since each message costs as much as a small chunk. */
const BATCH = 512 * 1024
/** A slow line does not fill one so soon; what came lately is lost with the process. */
const BATCH_MS = 100

/** A call before it is numbered. */
type Question = PartRequest extends infer Request ? Request extends { call: number } ? Omit<Request, 'file' | 'call'> : never : never
type Settled = Extract<PartReply, { kind: 'done' }>

export interface PartFileDeps {
  file: number
  /** Begins with so many bytes of what is there. */
  length: number
  /** Memory between the network and the disk, used over and over. */
  ring: Uint8Array
  send (request: PartRequest): void
  /** Told when the file is closed and nobody uses the ring any more. */
  closed (): void
}

/** The other end of a part that a thread writes: `reply` takes what the thread answers, `lost` is told when it is gone. */
export function createPartFile ({ file, length, ring, send, closed }: PartFileDeps) {
  const memory = Buffer.from(ring.buffer, ring.byteOffset, ring.byteLength)
  const events = new EventEmitter().setMaxListeners(0)
  const calls = new Map<number, { resolve: (reply: Settled) => void, reject: (error: Error) => void }>()
  let lastCall = 0
  let written = length
  /** Bytes copied into the ring, and told of, in all; both with the length at the start. */
  let taken = length
  let told = length
  let start = length
  let fault: Error | undefined
  let gone = false
  let sending: NodeJS.Timeout | undefined

  function flush (): void {
    clearTimeout(sending)
    sending = undefined
    if (taken === told || gone) return
    send({ kind: 'bytes', file, count: taken - told })
    told = taken
  }

  /** Copies what has room; answers how much. */
  function copyIn (chunk: Uint8Array): number {
    const fits = Math.min(chunk.length, ring.length - (taken - written))
    const at = (taken - start) % ring.length
    const first = Math.min(fits, ring.length - at)
    copyTo(memory, chunk.subarray(0, first), at)
    copyTo(memory, chunk.subarray(first, fits), 0)
    taken += fits
    if (taken - told >= BATCH) flush()
    else sending ??= setTimeout(flush, BATCH_MS)
    return fits
  }

  async function copyRest (rest: Uint8Array): Promise<void> {
    for (let left = rest; left.length > 0;) {
      flush()
      if (fault) throw fault
      await once(events, 'room')
      if (fault) throw fault
      left = left.subarray(copyIn(left))
    }
  }

  function call (question: Question): Promise<Settled> {
    flush()
    if (gone) return Promise.reject(fault ?? new Error('The file is closed'))
    const number = ++lastCall
    return new Promise((resolve, reject) => {
      calls.set(number, { resolve, reject })
      send({ ...question, file, call: number })
    })
  }

  function broken (error: Error): void {
    fault ??= error
    events.emit('room')
  }

  function reply (message: PartReply): void {
    switch (message.kind) {
      case 'written':
        written = message.written
        events.emit('room')
        return
      case 'fault':
        return broken(errorOf(message.fault))
      case 'done':
        calls.get(message.call)?.resolve(message)
        break
      case 'failed':
        calls.get(message.call)?.reject(errorOf(message.fault))
    }
    calls.delete(message.call)
  }

  function lost (error: Error): void {
    gone = true
    for (const { reject } of calls.values()) reject(error)
    calls.clear()
    broken(error)
  }

  const part: PartFile = {
    get written () { return written },
    push (chunk) {
      if (fault) return Promise.reject(fault)
      const copied = copyIn(chunk)
      return copied === chunk.length ? undefined : copyRest(chunk.subarray(copied))
    },
    async drained () { await call({ kind: 'settle', digest: false }) },
    sync: async () => (await call({ kind: 'sync' })).length,
    digest: async () => (await call({ kind: 'settle', digest: true })).sha256,
    async cut (to) {
      await call({ kind: 'cut', length: to })
      written = taken = told = start = to
      fault = undefined
    },
    async close () {
      // A thread that is gone has closed what it had open, and the memory it wrote from is left to it.
      if (gone) return
      try {
        await call({ kind: 'close' })
      } finally {
        if (!gone) closed()
        gone = true
      }
    }
  }
  return { part, reply, lost, open: async (path: string): Promise<void> => { await call({ kind: 'open', path, length, ring }) } }
}

/** Into memory that is shared, `set` copies byte by byte where the two are not aligned alike; `fill` with as many bytes as it is to fill is one fast copy. */
function copyTo (memory: Buffer, bytes: Uint8Array, at: number): void {
  if (bytes.length > 0) memory.fill(bytes, at, at + bytes.length)
}

function errorOf ({ message, code, syscall }: PartFault): Error {
  return Object.assign(new Error(message), { ...(code !== undefined && { code }), ...(syscall !== undefined && { syscall }) })
}

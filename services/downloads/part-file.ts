import { EventEmitter, once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../workers/start-worker.ts'
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

export interface PartFiles {
  /** Opens a `.part` file, a new one when there is none, and cuts it to the length. @throws what the disk says */
  open (path: string, length: number): Promise<PartFile>
  close (): Promise<void>
}

/**
 * Memory between the network and the disk of one file, used over and over: it stays in the processor's cache, and
 * the size of a download costs no memory. When it is full, reading from the network waits.
 */
const RING = 4 * 1024 * 1024
/** Bytes go over together, since each message costs as much as a small chunk. */
const BATCH = 512 * 1024
const IDLE_MS = 10_000

type Settled = Extract<PartReply, { kind: 'done' }>

export function createPartFiles ({ worker: entry = new URL('./part-writer.worker', import.meta.url) }: { worker?: URL } = {}): PartFiles {
  const open = new Map<number, { reply (message: PartReply): void, lost (error: Error): void }>()
  let worker: Worker | undefined
  let files = 0
  let idle: NodeJS.Timeout | undefined

  function thread (): Worker {
    clearTimeout(idle)
    if (worker) return worker
    const started = startWorker(entry)
    worker = started
    started.on('message', (message: PartReply) => { open.get(message.file)?.reply(message) })
    started.on('error', (error) => { lose(started, error) })
    started.on('exit', () => { lose(started, new Error('The thread that writes downloads ended')) })
    return started
  }

  function lose (gone: Worker, error: Error): void {
    if (worker === gone) worker = undefined
    for (const [file, { lost }] of open) {
      open.delete(file)
      lost(error)
    }
  }

  async function stop (): Promise<void> {
    clearTimeout(idle)
    const ending = worker
    worker = undefined
    await ending?.terminate()
  }

  function forget (file: number): void {
    open.delete(file)
    if (open.size > 0) return
    worker?.unref()
    idle = setTimeout(() => { stop().catch(() => undefined) }, IDLE_MS).unref()
  }

  return {
    async open (path, length) {
      const file = ++files
      const to = thread()
      to.ref()
      const part = partFile(file, length, (request) => { to.postMessage(request) }, () => { forget(file) })
      open.set(file, part.listener)
      to.postMessage({ kind: 'open', file, path, length, ring: part.ring } satisfies PartRequest)
      try {
        await part.file.drained()
        return part.file
      } catch (error) {
        await part.file.close()
        throw error
      }
    },
    close: stop
  }
}

function partFile (file: number, length: number, send: (request: PartRequest) => void, forget: () => void) {
  const events = new EventEmitter().setMaxListeners(0)
  const calls = new Map<number, { resolve: (reply: Settled) => void, reject: (error: Error) => void }>()
  let lastCall = 0
  let written = length
  /** Bytes copied into the ring, and told of, in all; both with the length at the start. */
  let taken = length
  let told = length
  const start = { length }
  const ring = new Uint8Array(new SharedArrayBuffer(RING))
  let fault: Error | undefined
  let gone = false
  let sending: NodeJS.Immediate | undefined

  function flush (): void {
    clearImmediate(sending)
    sending = undefined
    if (taken === told) return
    send({ kind: 'bytes', file, count: taken - told })
    told = taken
  }

  /** Copies what has room; answers how much. */
  function copyIn (chunk: Uint8Array): number {
    const fits = Math.min(chunk.length, RING - (taken - written))
    const at = (taken - start.length) % RING
    const first = Math.min(fits, RING - at)
    ring.set(chunk.subarray(0, first), at)
    if (fits > first) ring.set(chunk.subarray(first, fits), 0)
    taken += fits
    if (taken - told >= BATCH) flush()
    else sending ??= setImmediate(flush)
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

  function call (request: { kind: 'settle', data: boolean, digest: boolean } | { kind: 'cut', length: number } | { kind: 'close' }): Promise<Settled> {
    flush()
    if (gone) return Promise.reject(fault ?? new Error('The file is closed'))
    const number = ++lastCall
    return new Promise((resolve, reject) => {
      calls.set(number, { resolve, reject })
      send({ ...request, file, call: number } as PartRequest)
    })
  }

  function broken (error: Error): void {
    fault ??= error
    events.emit('room')
  }

  const listener = {
    reply (message: PartReply): void {
      switch (message.kind) {
        case 'written':
          written = message.written
          events.emit('room')
          return
        case 'fault':
          return broken(errorOf(message.fault))
        case 'done':
          // What it waited for may be older than what was told meanwhile.
          written = Math.max(written, message.written)
          calls.get(message.call)?.resolve(message)
          break
        case 'failed':
          calls.get(message.call)?.reject(errorOf(message.fault))
      }
      calls.delete(message.call)
    },
    lost (error: Error): void {
      gone = true
      for (const { reject } of calls.values()) reject(error)
      calls.clear()
      broken(error)
    }
  }

  const part: PartFile = {
    get written () { return written },
    push (chunk) {
      if (fault) return Promise.reject(fault)
      const copied = copyIn(chunk)
      return copied === chunk.length ? undefined : copyRest(chunk.subarray(copied))
    },
    async drained () {
      await call({ kind: 'settle', data: false, digest: false })
    },
    sync: async () => (await call({ kind: 'settle', data: true, digest: false })).written,
    digest: async () => (await call({ kind: 'settle', data: false, digest: true })).sha256,
    async cut (to) {
      await call({ kind: 'cut', length: to })
      written = taken = told = start.length = to
      fault = undefined
    },
    async close () {
      // A thread that is gone has closed what it had open.
      if (!gone) await call({ kind: 'close' }).catch(() => undefined)
      forget()
    }
  }
  return { file: part, listener, ring }
}

function errorOf ({ message, code, syscall }: PartFault): Error {
  return Object.assign(new Error(message), { ...(code !== undefined && { code }), ...(syscall !== undefined && { syscall }) })
}

import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, fdatasync, ftruncateSync, openSync, writev } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { PartFault, PartReply, PartRequest } from './part-messages.ts'

/**
 * Writes what downloads receive and hashes it on the way, beside the thread that serves requests: neither a slow disk nor
 * the hash costs a request anything.
 */
interface Part {
  descriptor: number
  written: number
  hash: Hash | null
  fault: PartFault | null
  ring: Uint8Array
  /** Where the next bytes lie in the ring. */
  at: number
  /** Hashed and not handed to the system yet. */
  waiting: Uint8Array[]
  writing: boolean
  /** What is to be done when nothing waits any more. */
  then: (() => void)[]
}

if (!parentPort) throw new Error('part-writer.worker runs in a worker thread only')
const port = parentPort
const parts = new Map<number, Part>()

function faultOf (error: unknown): PartFault {
  const { message, code, syscall } = error as NodeJS.ErrnoException
  return { message: String(message), code, syscall }
}

const reply = (message: PartReply): void => { port.postMessage(message) }

function open ({ file, path, length, ring }: Extract<PartRequest, { kind: 'open' }>): void {
  const part: Part = { descriptor: -1, written: length, hash: length === 0 ? createHash('sha256') : null, fault: null, ring, at: 0, waiting: [], writing: false, then: [] }
  parts.set(file, part)
  try {
    // A link could lead anywhere.
    part.descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o666)
    ftruncateSync(part.descriptor, length)
  } catch (error) {
    part.fault = faultOf(error)
  }
}

/** One call of the system at a time; what comes meanwhile is hashed and goes with the next. */
function write (file: number, part: Part): void {
  if (part.writing) return
  if (part.waiting.length === 0) {
    for (const next of part.then.splice(0)) next()
    return
  }
  const chunks = part.waiting
  part.waiting = []
  part.writing = true
  writev(part.descriptor, chunks, part.written, (error, done) => {
    part.writing = false
    if (error) {
      part.fault = faultOf(error)
      Object.assign(part, { hash: null, waiting: [] })
      reply({ kind: 'fault', file, fault: part.fault })
    } else {
      part.written += done
      part.waiting = [...after(chunks, done), ...part.waiting]
      reply({ kind: 'written', file, written: part.written })
    }
    write(file, part)
  })
}

function take (file: number, part: Part, count: number): void {
  if (part.fault) return
  const { ring, at } = part
  const end = at + count
  const chunks = end <= ring.length ? [ring.subarray(at, end)] : [ring.subarray(at), ring.subarray(0, end - ring.length)]
  part.at = end % ring.length
  part.waiting.push(...chunks)
  // What is written tells the other side that its place is free: that is said in a later turn, when this is hashed.
  write(file, part)
  for (const chunk of chunks) part.hash?.update(chunk)
}

function whenWritten (file: number, part: Part, next: () => void): void {
  part.then.push(next)
  write(file, part)
}

/** What is left to write: a disk that is nearly full takes less than it is given. */
function after (chunks: readonly Uint8Array[], done: number): Uint8Array[] {
  let left = done
  return chunks.flatMap((chunk) => {
    const cut = Math.min(left, chunk.length)
    left -= cut
    return cut === chunk.length ? [] : [chunk.subarray(cut)]
  })
}

function settle (part: Part, { file, call, data, digest }: Extract<PartRequest, { kind: 'settle' }>): void {
  const { written } = part
  const finish = (error: unknown): void => {
    if (error) return reply({ kind: 'failed', file, call, fault: faultOf(error) })
    const sha256 = digest ? part.hash?.copy().digest('hex') ?? null : null
    reply({ kind: 'done', file, call, written, sha256 })
  }
  if (part.fault) reply({ kind: 'failed', file, call, fault: part.fault })
  else if (data) fdatasync(part.descriptor, finish)
  else finish(null)
}

function cut (part: Part, { file, call, length }: Extract<PartRequest, { kind: 'cut' }>): void {
  try {
    ftruncateSync(part.descriptor, length)
    Object.assign(part, { written: length, at: 0, hash: length === 0 ? createHash('sha256') : null, fault: null })
    reply({ kind: 'done', file, call, written: length, sha256: null })
  } catch (error) {
    reply({ kind: 'failed', file, call, fault: faultOf(error) })
  }
}

function close (part: Part, file: number, call: number): void {
  parts.delete(file)
  if (part.descriptor >= 0) closeSync(part.descriptor)
  reply({ kind: 'done', file, call, written: part.written, sha256: null })
}

port.on('message', (request: PartRequest) => {
  if (request.kind === 'open') return open(request)
  const part = parts.get(request.file)
  if (!part) return
  switch (request.kind) {
    case 'bytes': return take(request.file, part, request.count)
    case 'settle': return whenWritten(request.file, part, () => { settle(part, request) })
    case 'cut': return whenWritten(request.file, part, () => { cut(part, request) })
    case 'close': return whenWritten(request.file, part, () => { close(part, request.file, request.call) })
  }
})

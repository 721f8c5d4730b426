import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, fdatasync, ftruncateSync, openSync, writevSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { PartFault, PartReply, PartRequest } from './part-messages.ts'

/**
 * Writes what downloads receive and hashes it on the way, beside the thread that serves requests: neither a slow disk nor
 * the hash costs a request anything. Calls of the system are waited for here, since they would take a place among the few
 * that the whole process has; only what brings data to the disk runs beside the writing, one file at a time.
 */
interface Part {
  descriptor: number
  written: number
  hash: Hash | null
  fault: PartFault | null
  ring: Uint8Array
  /** Where the next bytes lie in the ring. */
  at: number
}

if (!parentPort) throw new Error('part-writer.worker runs in a worker thread only')
const port = parentPort
const parts = new Map<number, Part>()
/** Ends when nothing is being brought to the disk: a descriptor must not be closed, nor a file cut, under that. */
let syncing: Promise<void> = Promise.resolve()

const reply = (message: PartReply): void => { port.postMessage(message) }

function faultOf (error: unknown): PartFault {
  const { message, code, syscall } = error as NodeJS.ErrnoException
  return { message: String(message), code, syscall }
}

function open ({ path, length, ring }: Extract<PartRequest, { kind: 'open' }>): Part {
  // A link could lead anywhere.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o666)
  try {
    ftruncateSync(descriptor, length)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  return { descriptor, written: length, hash: length === 0 ? createHash('sha256') : null, fault: null, ring, at: 0 }
}

function take (file: number, part: Part, count: number): void {
  if (part.fault) return
  const { ring, at } = part
  const end = at + count
  const chunks = end <= ring.length ? [ring.subarray(at, end)] : [ring.subarray(at), ring.subarray(0, end - ring.length)]
  part.at = end % ring.length
  try {
    for (const chunk of chunks) part.hash?.update(chunk)
    write(part, chunks)
    reply({ kind: 'written', file, written: part.written })
  } catch (error) {
    part.fault = faultOf(error)
    part.hash = null
    reply({ kind: 'fault', file, fault: part.fault })
  }
}

/** A disk that is nearly full takes less than it is given. */
function write (part: Part, chunks: readonly Uint8Array[]): void {
  for (let left = [...chunks]; left.length > 0;) {
    const done = writevSync(part.descriptor, left, part.written)
    part.written += done
    left = after(left, done)
  }
}

/** What is left of them when so many bytes are done. */
function after (chunks: readonly Uint8Array[], done: number): Uint8Array[] {
  let left = done
  return chunks.flatMap((chunk) => {
    const cut = Math.min(left, chunk.length)
    left -= cut
    return cut === chunk.length ? [] : [chunk.subarray(cut)]
  })
}

async function sync ({ descriptor }: Part): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    fdatasync(descriptor, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

async function cut (part: Part, length: number): Promise<void> {
  await syncing
  ftruncateSync(part.descriptor, length)
  Object.assign(part, { written: length, at: 0, hash: length === 0 ? createHash('sha256') : null, fault: null })
}

async function close (file: number, { descriptor }: Part): Promise<void> {
  parts.delete(file)
  await syncing
  closeSync(descriptor)
}

function required (file: number): Part {
  const part = parts.get(file)
  if (!part) throw new Error('The file is closed')
  return part
}

/** What a call comes to: the length that it speaks of, and a hash. */
async function answer (request: Exclude<PartRequest, { kind: 'bytes' }>): Promise<{ length: number, sha256: string | null }> {
  if (request.kind === 'open') {
    parts.set(request.file, open(request))
    return { length: request.length, sha256: null }
  }
  const part = required(request.file)
  const { written: length, fault } = part
  if (fault && (request.kind === 'sync' || request.kind === 'settle')) throw Object.assign(new Error(fault.message), fault)
  switch (request.kind) {
    case 'sync': {
      const own = syncing.then(async () => { await sync(part) })
      syncing = own.catch(() => undefined)
      await own
      return { length, sha256: null }
    }
    case 'settle':
      return { length, sha256: request.digest ? part.hash?.copy().digest('hex') ?? null : null }
    case 'cut':
      await cut(part, request.length)
      return { length: request.length, sha256: null }
    case 'close':
      await close(request.file, part)
      return { length, sha256: null }
  }
}

port.on('message', (request: PartRequest) => {
  const { file } = request
  if (request.kind === 'bytes') {
    const part = parts.get(file)
    if (part) take(file, part, request.count)
    return
  }
  const { call } = request
  answer(request).then(
    (result) => { reply({ kind: 'done', file, call, ...result }) },
    (error: unknown) => { reply({ kind: 'failed', file, call, fault: faultOf(error) }) }
  )
})

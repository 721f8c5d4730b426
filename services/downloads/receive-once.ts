import { dirname } from 'node:path'
import { DomainError } from '../errors.ts'
import type { DoorStream } from '../network/types.ts'
import { eachChunk } from './each-chunk.ts'
import { checkFreeSpace } from './free-space.ts'
import { judgeAnswer, type FileFacts } from './judge-answer.ts'
import type { Progress, TransferDeps, TransferHooks, TransferRequest } from './transfer.ts'

/** What came of one connection. */
export type Reception =
  | { kind: 'complete' }
  /** A pause took so long that the connection was given back. */
  | { kind: 'paused' }
  | { kind: 'changed', error: DomainError }
  | { kind: 'expired' | 'refused', error: DomainError }
  | { kind: 'retry', error: DomainError, after?: number | undefined }

interface Connection extends Pick<TransferDeps, 'door' | 'parts' | 'freeSpace' | 'stallMs'> {
  request: TransferRequest
  progress: Progress
  hooks: TransferHooks
  url: string
  onBytes: (bytes: number, added: number) => void
}

/** After so much, or so long, data is brought to the disk for certain; a line that is faster than disks are is not held up by it all the time. */
const SYNC_BYTES = 64 * 1024 * 1024
const SYNC_MS = 10_000
const SYNC_PAUSE_MS = 2000
/** So soon a pause takes effect. */
const GATE_MS = 100
/** A paused connection is kept so long at least. */
const KEEP_MS = 30_000

class PausedTooLong extends Error {}
/** The host sends more than it announced. */
class TooLong extends Error {}

/** Asks once for what is missing and takes what comes. @throws the signal's reason, errors of the disk and of the program itself */
export async function receiveOnce (connection: Connection): Promise<Reception> {
  const { progress, hooks, url } = connection
  try {
    const answer = await connection.door.stream({ destination: connection.request.destination, url, headers: headersFor(progress), signal: hooks.signal, stallMs: connection.stallMs(), urgent: true })
    try {
      return await take(answer, connection)
    } finally {
      answer.body.once('error', () => undefined).destroy()
    }
  } catch (error) {
    hooks.signal.throwIfAborted()
    if (error instanceof PausedTooLong) return { kind: 'paused' }
    return judgeFault(error)
  }
}

function headersFor ({ file: { written }, etag, lastModified }: Progress): Record<string, string> {
  if (written === 0) return {}
  // A weak tag does not promise equal bytes.
  const validator = etag !== null && !etag.startsWith('W/') ? etag : lastModified
  return { range: `bytes=${written}-`, ...(validator !== null && { 'if-range': validator }) }
}

/** What may pass is tried again; what is of this machine is not. */
function judgeFault (error: unknown): Reception {
  if (!(error instanceof DomainError)) throw error
  const after = typeof error.fields.retry_after === 'number' ? error.fields.retry_after : undefined
  if (error.code === 'upstream-tls') return { kind: 'refused', error }
  if (error.kind === 'upstream' || error.code === 'rate-limited' || error.code === 'host-offline') return { kind: 'retry', error, after }
  if (error.kind === 'invalid' || error.kind === 'forbidden') return { kind: 'refused', error }
  throw error
}

async function take (answer: DoorStream, connection: Connection): Promise<Reception> {
  const { progress, request, url } = connection
  const verdict = judgeAnswer(answer, { url, offset: progress.file.written, etag: progress.etag, total: progress.total })
  switch (verdict.kind) {
    case 'complete':
      progress.total = verdict.total
      return { kind: 'complete' }
    case 'changed':
      return { kind: 'changed', error: new DomainError('upstream', 'file-changed', `The download begins anew: ${verdict.reason}`) }
    case 'whole':
      // The answer is the whole file: what is here gives way, even if the server merely ignored the range.
      if (progress.file.written > 0) await progress.file.cut(0)
      break
    case 'continue':
      break
    default:
      return verdict
  }
  note(progress, verdict.facts, connection)
  const coming = Math.max(0, (progress.total ?? 0) - progress.file.written)
  await checkFreeSpace(connection.freeSpace, dirname(request.part), coming)
  return await readBody(answer, connection)
}

function note (progress: Progress, facts: FileFacts, { parts, request, url }: Connection): void {
  progress.etag = facts.etag ?? progress.etag
  progress.lastModified = facts.lastModified ?? progress.lastModified
  progress.total = facts.total ?? progress.total
  const { origin, pathname } = new URL(url)
  parts.save({
    part: request.part,
    download: request.download,
    identity: request.identity,
    url: origin + pathname,
    etag: progress.etag,
    last_modified: progress.lastModified,
    total: progress.total,
    sha256: request.sha256,
    synced: Math.min(parts.find(request.part)?.synced ?? 0, progress.file.written)
  })
}

async function readBody ({ body }: DoorStream, connection: Connection): Promise<Reception> {
  const { progress, hooks, onBytes } = connection
  const { file } = progress
  const syncing = createSyncing(connection)
  const breakOff = (): void => { body.destroy(hooks.signal.reason as Error) }
  hooks.signal.addEventListener('abort', breakOff, { once: true })
  let fault: unknown
  let length = file.written
  let looked = 0
  try {
    await eachChunk(body, (chunk) => {
      length += chunk.length
      if (progress.total !== null && length > progress.total) throw new TooLong()
      const room = file.push(chunk)
      onBytes(length, chunk.length)
      const now = performance.now()
      if (now - looked < GATE_MS) return room
      looked = now
      return Promise.all([room, gated(connection), syncing.tick()])
    })
  } catch (error) {
    if (error instanceof TooLong) return tooLong()
    fault = error
  } finally {
    hooks.signal.removeEventListener('abort', breakOff)
    // Whatever ended the connection: what was counted must be written before anything is built upon it.
    await file.drained().finally(async () => { await syncing.ended() })
  }
  if (fault !== undefined) throw fault
  return endOf(length, progress)
}

function endOf (length: number, progress: Progress): Reception {
  if (progress.total === null) progress.total = length
  if (length === progress.total && length > 0) return { kind: 'complete' }
  return { kind: 'retry', error: new DomainError('upstream', 'download-cut', `The host sent ${length} of ${progress.total} bytes`) }
}

function tooLong (): Reception {
  return { kind: 'changed', error: new DomainError('upstream', 'size-mismatch', 'The host sent more than it announced') }
}

/** Waits while the download is paused; a long pause gives the connection back. */
async function gated ({ hooks, stallMs }: Connection): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const longEnough = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new PausedTooLong()) }, Math.max(KEEP_MS, stallMs() / 2))
  })
  try {
    await Promise.race([hooks.gate(), longEnough])
  } finally {
    clearTimeout(timer)
  }
}

/** Brings what is written to the disk now and then, beside the writing, and looks whether there is room for more. */
function createSyncing ({ progress: { file }, parts, request, freeSpace }: Connection) {
  let at = file.written
  let time = performance.now()
  let running: Promise<void> | null = null
  let fault: unknown

  async function sync (): Promise<void> {
    parts.synced(request.part, await file.sync())
    await checkFreeSpace(freeSpace, dirname(request.part), 0)
  }

  return {
    async tick () {
      if (fault !== undefined) throw fault
      const since = performance.now() - time
      if (running || since < SYNC_PAUSE_MS || (file.written - at < SYNC_BYTES && since < SYNC_MS)) return
      at = file.written
      time = performance.now()
      running = sync().catch((error: unknown) => { fault = error }).finally(() => { running = null })
    },
    async ended () { await running }
  }
}

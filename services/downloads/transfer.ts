import { lstat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DomainError } from '../errors.ts'
import type { HashPool } from '../hashing/pool.ts'
import type { Door } from '../network/types.ts'
import { checkFreeSpace, fullDisk, hasFreeSpace, type FreeSpace } from './free-space.ts'
import type { PartFile } from './part-file.ts'
import { WriterLostError, type PartFiles } from './part-files.ts'
import type { PartRow, PartStore } from './part-store.ts'
import { createPatience, type PatienceOptions } from './patience.ts'
import { receiveOnce, type Reception } from './receive-once.ts'

export interface TransferRequest {
  /** Id of the download. */
  download: string
  /** Absolute path of the `.part` file. */
  part: string
  /** Which file of which provider it is, such as `civitai:12/34`. */
  identity: string
  /** Tried in this order. */
  urls: readonly string[]
  /** The door's destination. */
  destination: string
  /** Lower-case hex that the whole file must have, null when nobody says. */
  sha256: string | null
}

export interface TransferHooks {
  signal: AbortSignal
  /** Resolves at once, or when a pause is over. */
  gate (): Promise<void>
  /** The disk is full: resolves when it may be tried again. Where nobody waits, the transfer fails. */
  noRoom? (error: DomainError, hasRoom: () => Promise<boolean>): Promise<void>
  /** After every chunk; `received` counts what came over the line in this run. */
  onProgress (progress: { bytes: number, total: number | null, received: number }): void
}

export interface Transferred { size: number, sha256: string }

export interface TransferDeps {
  door: Pick<Door, 'stream'>
  parts: PartStore
  hashPool: Pick<HashPool, 'hash'>
  files: Pick<PartFiles, 'open'>
  freeSpace: FreeSpace
  /** Milliseconds without a byte after which a connection counts as dead. */
  stallMs (): number
  patience?: PatienceOptions
}

export type Transfer = (request: TransferRequest, hooks: TransferHooks) => Promise<Transferred>

/** What a transfer is at. */
export interface Progress {
  file: PartFile
  etag: string | null
  lastModified: string | null
  total: number | null
}

/**
 * Brings one file to the disk as `.part`, however often the connection, the server or this process dies on the way.
 * The file is complete, of the announced size and of the promised hash when it resolves. What is there stays when it rejects.
 * @throws the signal's reason; DomainError: `unauthorized`, `upstream`, `storage-full`, `failed` with `hash-mismatch` or `size-mismatch`
 */
export function createTransfer (deps: TransferDeps): Transfer {
  const { parts, hashPool } = deps

  async function begin (request: TransferRequest): Promise<Progress> {
    const row = parts.find(request.part)
    const offset = await usableLength(request, row)
    const known = offset > 0 ? row : undefined
    if (offset === 0) parts.remove(request.part)
    const file = await deps.files.open(request.part, offset)
    return { file, etag: known?.etag ?? null, lastModified: known?.last_modified ?? null, total: known?.total ?? null }
  }

  /** How much of what lies there can be built upon. */
  async function usableLength (request: TransferRequest, row: PartRow | undefined): Promise<number> {
    const length = await lengthOf(request.part)
    // A file that some other program began: the promised hash will tell whether it was the same one.
    if (!row) return request.sha256 === null ? 0 : length
    const same = row.identity === request.identity && (row.sha256 === null || request.sha256 === null || row.sha256 === request.sha256)
    const comparable = request.sha256 !== null || row.etag !== null || row.last_modified !== null
    if (!same || !comparable) return 0
    const sure = row.boot === parts.boot ? length : Math.min(length, row.synced)
    return row.total !== null && sure > row.total ? 0 : sure
  }

  async function startAnew (request: TransferRequest, progress: Progress): Promise<void> {
    parts.remove(request.part)
    await progress.file.cut(0)
    Object.assign(progress, { etag: null, lastModified: null, total: null })
  }

  async function receive (request: TransferRequest, progress: Progress, hooks: TransferHooks): Promise<void> {
    let received = 0
    const onBytes = (bytes: number, added: number): void => {
      received += added
      hooks.onProgress({ bytes, total: progress.total, received })
    }
    let refusal: unknown
    for (const url of request.urls) {
      const patience = createPatience(deps.patience)
      for (let expired = 0; ;) {
        await hooks.gate()
        hooks.signal.throwIfAborted()
        const before = progress.file.written
        const outcome: Reception = await receiveOnce({ ...deps, request, progress, hooks, url, onBytes })
        if (outcome.kind === 'complete') return
        if (outcome.kind === 'changed') await startAnew(request, progress)
        if (outcome.kind === 'paused') continue
        if (outcome.kind === 'expired' && ++expired <= 1) continue
        if (outcome.kind === 'changed' && patience.mayChange()) continue
        refusal = preferred(refusal, outcome.error)
        if (outcome.kind !== 'retry' || !await patience.wait(progress.file.written > before, outcome.after, hooks.signal)) break
      }
    }
    throw refusal ?? new DomainError('upstream', 'download-failed', 'There is no address to load the file from')
  }

  /** All that is missing; false when the disk was full and may have room again. */
  async function receiveAll (request: TransferRequest, progress: Progress, hooks: TransferHooks): Promise<boolean> {
    const directory = dirname(request.part)
    const missing = (): number => Math.max(0, (progress.total ?? 0) - progress.file.written)
    try {
      await checkFreeSpace(deps.freeSpace, directory, missing())
      await receive(request, progress, hooks)
      return true
    } catch (error) {
      const full = fullDisk(error)
      // What does not fit before it has begun is refused.
      if (!full || !hooks.noRoom || progress.file.written === 0) throw error
      hooks.signal.throwIfAborted()
      // What the disk did not take whole is taken off, and the failure with it.
      await progress.file.cut(progress.file.written)
      await hooks.noRoom(full, async () => await hasFreeSpace(deps.freeSpace, directory, missing()))
      return false
    }
  }

  /** What began in another process is read once more as a whole. */
  async function hashOf (request: TransferRequest, { file }: Progress, signal: AbortSignal): Promise<string> {
    return await file.digest() ?? (await hashPool.hash(request.part, { signal })).sha256
  }

  async function run (request: TransferRequest, hooks: TransferHooks): Promise<Transferred> {
    const progress = await begin(request)
    try {
      for (let tries = 0; ; tries++) {
        while (!isComplete(request, progress) && !await receiveAll(request, progress, hooks)) hooks.signal.throwIfAborted()
        parts.synced(request.part, await progress.file.sync())
        const size = progress.file.written
        const sha256 = await hashOf(request, progress, hooks.signal)
        if (request.sha256 === null || sha256 === request.sha256) return { size, sha256 }
        // Once more from the beginning: a part of another file, or a bit that fell over on the way, is mended by that.
        if (tries > 0) throw new DomainError('failed', 'hash-mismatch', 'The file that was sent is not the one that was promised: its SHA-256 differs', { expected: request.sha256, actual: sha256 })
        await startAnew(request, progress)
      }
    } finally {
      await progress.file.close()
    }
  }

  return async (request, hooks) => {
    try {
      return await run(request, hooks)
    } catch (error) {
      if (!(error instanceof WriterLostError)) throw error
      hooks.signal.throwIfAborted()
      // What was written is there; another thread goes on with it.
      return await run(request, hooks)
    }
  }
}

/** Nothing need be asked when all is here and the hash will tell whether it is right. */
function isComplete ({ sha256 }: TransferRequest, { total, file }: Progress): boolean {
  return sha256 !== null && total !== null && file.written === total
}

async function lengthOf (part: string): Promise<number> {
  try {
    const found = await lstat(part)
    return found.isFile() ? found.size : 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

/** Of several addresses that fail, "you may not" says more than "not there". */
function preferred (first: unknown, second: DomainError): unknown {
  return first instanceof DomainError && (first.kind === 'unauthorized' || second.kind !== 'unauthorized') ? first : second
}

/** Forgets what a transfer left behind. */
export async function discardPart (parts: Pick<PartStore, 'remove'>, part: string): Promise<void> {
  parts.remove(part)
  await unlink(part).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
}

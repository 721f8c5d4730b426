import { closeSync, constants, fstatSync, openSync, promises as fs, read as readCallback, statSync, type Stats } from 'node:fs'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { LRUCache } from 'lru-cache'
import { createGrowingCache } from '../growing-cache.ts'
import { applicableRange, isUnchanged, type Conditions } from './byte-range.ts'
import { createPreviewVerdicts, whenUnreadable, type PreviewVerdict, type PreviewVerdictDeps } from './preview-verdict.ts'

export interface PreviewRequest extends Conditions {
  /** Absolute path as the client gave it, decoded once. */
  path: string
  /** Only the headers are wanted. */
  headOnly?: boolean
}

export interface PreviewAnswer {
  status: 200 | 206 | 304 | 416
  headers: Record<string, string | number>
  body: Buffer | Readable | null
}

export interface PreviewServing {
  /**
   * Answers at once when nothing but a local file's facts is needed.
   * @returns `'missing'` when there is no such file
   * @throws InvalidInputError, ForbiddenPathError, OfflineError
   */
  open (request: PreviewRequest): PreviewAnswer | 'missing' | Promise<PreviewAnswer | 'missing'>
  /** To be called when roots or the size of the cache may have changed. */
  reset (): void
}

export interface PreviewServingDeps extends PreviewVerdictDeps {
  /** Bytes that may be kept in memory; 0 keeps nothing. */
  cacheBytes: () => number
}

/** Up to here a file is read in one piece, beyond it is streamed. */
const WHOLE_FILE_LIMIT = 1024 * 1024
const CHUNK_SIZE = 256 * 1024
/** A pipe or device with a media name must not block the open. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

const readAt = promisify(readCallback)

interface FileFacts { size: number, mtimeMs: number, etag: string, lastModified: string }

function factsOf (stats: Stats): FileFacts {
  const { size, mtimeMs } = stats
  return { size, mtimeMs, etag: `W/"${size.toString(16)}-${Math.round(mtimeMs * 1000).toString(16)}"`, lastModified: stats.mtime.toUTCString() }
}

function statNow (path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    return whenUnreadable(error)
  }
}

async function fill (read: (buffer: Buffer, offset: number) => Promise<{ bytesRead: number }>, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size)
  let filled = 0
  while (filled < size) {
    const { bytesRead } = await read(buffer, filled)
    if (bytesRead === 0) return buffer.subarray(0, filled)
    filled += bytesRead
  }
  return buffer
}

/** On a local disk only the bytes are read off the loop; opening costs less than a trip to the thread pool. */
async function readLocal (path: string): Promise<{ facts: FileFacts, body: Buffer }> {
  const fd = openSync(path, READ_FLAGS)
  try {
    const facts = factsOf(fstatSync(fd))
    return { facts, body: await fill((buffer, offset) => readAt(fd, buffer, offset, buffer.length - offset, offset), facts.size) }
  } finally {
    closeSync(fd)
  }
}

async function readRemote (path: string): Promise<{ facts: FileFacts, body: Buffer }> {
  const handle = await fs.open(path, READ_FLAGS)
  try {
    const facts = factsOf(await handle.stat())
    return { facts, body: await fill((buffer, offset) => handle.read(buffer, offset, buffer.length - offset, offset), facts.size) }
  } finally {
    await handle.close()
  }
}

/** Serves media files of the library with validators, ranges and a bounded memory cache that is checked against the disk each time. */
export function createPreviewServing (deps: PreviewServingDeps): PreviewServing {
  const verdicts = createPreviewVerdicts(deps)
  const facts = createGrowingCache<FileFacts>(20_000)
  const createBodies = (): LRUCache<string, { etag: string, body: Buffer }> | undefined => {
    const maxSize = deps.cacheBytes()
    return maxSize > 0 ? new LRUCache({ maxSize, sizeCalculation: (entry) => entry.body.length + 200 }) : undefined
  }
  let bodies = createBodies()

  function currentFacts (real: string, stats: Stats): FileFacts {
    const known = facts.get(real)
    if (known && known.mtimeMs === stats.mtimeMs && known.size === stats.size) return known
    const fresh = factsOf(stats)
    facts.set(real, fresh)
    return fresh
  }

  const headersOf = (verdict: PreviewVerdict, file: FileFacts): Record<string, string | number> => ({
    'content-type': verdict.mediaType,
    'cache-control': 'public, max-age=86400',
    etag: file.etag,
    'last-modified': file.lastModified,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff'
  })

  function partOf (verdict: PreviewVerdict, file: FileFacts, body: Buffer, request: PreviewRequest): PreviewAnswer {
    const headers = headersOf(verdict, file)
    const range = applicableRange(request, { ...file, size: body.length })
    if (range === undefined) return { status: 200, headers, body }
    if (range === 'unsatisfiable') return unsatisfiable(headers, body.length)
    headers['content-range'] = `bytes ${range.start}-${range.end}/${body.length}`
    return { status: 206, headers, body: body.subarray(range.start, range.end + 1) }
  }

  function unsatisfiable (headers: Record<string, string | number>, size: number): PreviewAnswer {
    headers['content-range'] = `bytes */${size}`
    headers['cache-control'] = 'no-cache'
    return { status: 416, headers, body: null }
  }

  async function whole (verdict: PreviewVerdict, request: PreviewRequest): Promise<PreviewAnswer | 'missing'> {
    const file = await (verdict.local ? readLocal(verdict.real) : readRemote(verdict.real)).catch(whenUnreadable)
    if (!file) return missing(request.path)
    if (file.body.length === file.facts.size) bodies?.set(verdict.real, { etag: file.facts.etag, body: file.body })
    return partOf(verdict, file.facts, file.body, request)
  }

  async function streamed (verdict: PreviewVerdict, request: PreviewRequest): Promise<PreviewAnswer | 'missing'> {
    const handle = await fs.open(verdict.real, READ_FLAGS).catch(whenUnreadable)
    if (!handle) return missing(request.path)
    const stats = await handle.stat()
    const file = factsOf(stats)
    const headers = headersOf(verdict, file)
    const range = applicableRange(request, file)
    if (range === 'unsatisfiable' || !stats.isFile() || request.headOnly) await handle.close()
    if (range === 'unsatisfiable') return unsatisfiable(headers, file.size)
    if (!stats.isFile()) return missing(request.path)
    const { start, end } = range ?? { start: 0, end: file.size - 1 }
    headers['content-length'] = end - start + 1
    if (range) headers['content-range'] = `bytes ${start}-${end}/${file.size}`
    const body = request.headOnly || end < start ? Readable.from([]) : handle.createReadStream({ start, end, highWaterMark: CHUNK_SIZE })
    return { status: range ? 206 : 200, headers, body }
  }

  function missing (path: string): 'missing' {
    verdicts.forget(path)
    return 'missing'
  }

  function answer (verdict: PreviewVerdict, stats: Stats | undefined, request: PreviewRequest): PreviewAnswer | 'missing' | Promise<PreviewAnswer | 'missing'> {
    if (!stats?.isFile()) return missing(request.path)
    const file = currentFacts(verdict.real, stats)
    if (isUnchanged(request, file)) {
      return { status: 304, headers: { 'cache-control': 'public, max-age=86400', etag: file.etag, 'last-modified': file.lastModified }, body: null }
    }
    if (file.size > WHOLE_FILE_LIMIT) return streamed(verdict, request)
    const kept = bodies?.get(verdict.real)
    return kept?.etag === file.etag ? partOf(verdict, file, kept.body, request) : whole(verdict, request)
  }

  async function openAnew (request: PreviewRequest): Promise<PreviewAnswer | 'missing'> {
    const verdict = verdicts.known(request.path) ?? await verdicts.find(request.path)
    if (!verdict) return 'missing'
    const stats = await fs.stat(verdict.real).catch(whenUnreadable)
    return answer(verdict, stats, request)
  }

  return {
    open (request) {
      const verdict = verdicts.known(request.path)
      if (!verdict?.local) return openAnew(request)
      return answer(verdict, statNow(verdict.real), request)
    },
    reset () {
      verdicts.clear()
      bodies = createBodies()
    }
  }
}

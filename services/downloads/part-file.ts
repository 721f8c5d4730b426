import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/** A file that grows at its end. Chunks are written as they come, many in one call; nothing is copied. */
export interface PartFile {
  /** Bytes handed to the system. */
  readonly written: number
  /** Takes a chunk; false when more should wait until `drained`. */
  push (chunk: Buffer): boolean
  /** Resolves when everything pushed is written. @throws what the disk says */
  drained (): Promise<void>
  /** What is written is on the disk when this resolves; answers how much that is. */
  sync (): Promise<number>
  /** Cuts the file; what was pushed must be drained. */
  cut (length: number): Promise<void>
  close (): Promise<void>
}

/** Beyond this, reading from the network waits for the disk. */
const MOST_PENDING = 4 * 1024 * 1024

/** Opens a `.part` file, a new one when there is none; a link is refused, since it could lead anywhere. */
export async function openPartFile (path: string, length: number): Promise<PartFile> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o666)
  try {
    await handle.truncate(length)
    return partFile(handle, length)
  } catch (error) {
    await handle.close()
    throw error
  }
}

function partFile (handle: FileHandle, length: number): PartFile {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let written = length
  let fault: unknown
  let writing: Promise<void> | null = null

  async function writeAll (): Promise<void> {
    try {
      while (pending.length > 0) {
        const batch = pending
        const size = pendingBytes
        pending = []
        pendingBytes = 0
        await writeBatch(batch, size)
      }
    } catch (error) {
      fault ??= error
    }
    // In the same turn in which nothing was left: a chunk that comes later starts anew.
    writing = null
  }

  async function writeBatch (batch: Buffer[], size: number): Promise<void> {
    const { bytesWritten } = await handle.writev(batch, written)
    written += bytesWritten
    if (bytesWritten === size) return
    // A disk that is nearly full takes less than it is given.
    const rest = Buffer.concat(batch).subarray(bytesWritten)
    for (let at = 0; at < rest.length;) {
      const { bytesWritten: more } = await handle.write(rest, at, rest.length - at, written)
      at += more
      written += more
    }
  }

  async function settled (): Promise<void> {
    if (writing === null) return
    await writing
    await settled()
  }

  return {
    get written () { return written },
    push (chunk) {
      pending.push(chunk)
      pendingBytes += chunk.length
      writing ??= writeAll()
      return pendingBytes < MOST_PENDING && fault === undefined
    },
    async drained () {
      await settled()
      if (fault !== undefined) throw fault
    },
    async sync () {
      const length = written
      await handle.datasync()
      return length
    },
    async cut (to) {
      await handle.truncate(to)
      written = to
      fault = undefined
    },
    async close () {
      await settled()
      await handle.close()
    }
  }
}

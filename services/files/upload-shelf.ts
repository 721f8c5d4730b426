import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'

/** A place of our own where uploads wait until it is known what becomes of them. */
export interface UploadShelf {
  /**
   * Lays a stream down as a file and removes what is there of it when the stream fails.
   * @returns the path of the file; the caller removes it with `remove`
   */
  keep (content: Readable | Buffer): Promise<string>
  remove (path: string): Promise<void>
}

/** Only one process works with a settings directory, so what is there at the first use is left from a killed one. */
export function createUploadShelf (directory: string): UploadShelf {
  let ready: Promise<void> | undefined

  async function prepare (): Promise<void> {
    await mkdir(directory, { recursive: true })
    for (const name of await readdir(directory)) await rm(join(directory, name), { force: true })
  }

  async function write (path: string, content: Readable | Buffer): Promise<void> {
    const target = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: 1024 * 1024 })
    await pipeline(Buffer.isBuffer(content) ? [content] : content, target)
  }

  async function remove (path: string): Promise<void> {
    await unlink(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
  }

  return {
    async keep (content) {
      ready ??= prepare().catch((error: unknown) => { ready = undefined; throw error })
      await ready
      const path = join(directory, `${randomBytes(12).toString('hex')}.upload`)
      try {
        await write(path, content)
        return path
      } catch (error) {
        await remove(path)
        throw error
      }
    },
    remove
  }
}

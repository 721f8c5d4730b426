import { constants, createWriteStream } from 'node:fs'
import { copyFile, readdir, stat, unlink, utimes } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { ownTempPath } from '../files/atomic-write.ts'
import { checkFreeSpace, type FreeSpace } from '../downloads/free-space.ts'
import { isLeftOver } from './progress-file.ts'
import type { ExamplePlace } from './places.ts'

/** A file that was taken in and waits for its place; whoever asked for it removes it. */
export interface IncomingFile {
  /** In the folder of example images, so that it needs no second copy. */
  path: string
  /** As the client calls it; for its extension and for messages. */
  name: string
}

export interface Incoming {
  /** Lays a stream down as it comes; nothing stays of one that fails. @throws DomainError `storage-full`, errors of the disk */
  keep (place: ExamplePlace, name: string, content: Readable): Promise<IncomingFile>
  /** Takes a copy of a file, with its times. */
  copy (place: ExamplePlace, path: string): Promise<IncomingFile>
  remove (files: readonly IncomingFile[]): Promise<void>
}

const BUFFER_BYTES = 1024 * 1024

export function createIncoming ({ freeSpace, startedAt }: { freeSpace: FreeSpace, startedAt: number }): Incoming {
  const swept = new Set<string>()

  /** Once for each folder: what a killed process left there. */
  async function sweep (root: string): Promise<void> {
    if (swept.has(root)) return
    swept.add(root)
    for (const name of await readdir(root)) {
      if (name.startsWith('.') && await isLeftOver(`${root}/${name}`, name, startedAt)) await unlink(`${root}/${name}`)
    }
  }

  async function fresh ({ root }: ExamplePlace, coming: number): Promise<string> {
    await sweep(root)
    await checkFreeSpace(freeSpace, root, coming)
    return ownTempPath(`${root}/import`)
  }

  return {
    async keep (place, name, content) {
      const path = await fresh(place, 0)
      try {
        await pipeline(content, createWriteStream(path, { flags: 'wx', highWaterMark: BUFFER_BYTES }))
        return { path, name }
      } catch (error) {
        await removeFile(path)
        throw error
      }
    },
    async copy (place, from) {
      const { size, atime, mtime } = await stat(from)
      const path = await fresh(place, size)
      try {
        await copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
        await utimes(path, atime, mtime)
        return { path, name: from }
      } catch (error) {
        await removeFile(path)
        throw error
      }
    },
    async remove (files) { for (const { path } of files) await removeFile(path) }
  }
}

async function removeFile (path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
}

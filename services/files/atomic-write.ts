import { randomBytes } from 'node:crypto'
import { closeSync, fchmodSync, fsyncSync, lstatSync, openSync, realpathSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { lstat, open, realpath, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface AtomicWriteOptions {
  /** Data and name are on the disk when the call returns (fsync of file and directory). */
  durable: boolean
  /** Permission bits of the file; by default those of the file that is replaced. */
  mode?: number
  /** When the target is a link, replace what it points at instead of the link. */
  followLink?: boolean
}

const TEMP_SUFFIX = '.modelshelf-tmp'
const TEMP_NAME = /^\..+\.[0-9a-f]{16}\.modelshelf-tmp$/s
const RENAME_TRIES = 6

/** Whether a file name is one of our temporary ones: such a file may be removed when no process of ours runs. */
export function isOwnTempName (name: string): boolean {
  return TEMP_NAME.test(name)
}

/**
 * A fresh name beside the target. Random, so that two writers never share one (a shared name loses one of the files),
 * and short enough for file systems that end names at 255 bytes.
 */
export function ownTempPath (path: string): string {
  const base = Array.from(basename(path)).slice(0, 40).join('')
  return join(dirname(path), `.${base}.${randomBytes(8).toString('hex')}${TEMP_SUFFIX}`)
}

/**
 * Replaces a file as a whole: a reader, or the next start after a kill, finds the old bytes or the new ones.
 * On failure the old file is untouched and the temporary one removed; the error of the file system is thrown.
 */
export async function writeFileAtomic (path: string, data: string | Uint8Array, options: AtomicWriteOptions): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  const target = options.followLink && found?.isSymbolicLink() ? await realpath(path) : path
  const mode = options.mode ?? modeOf(found)
  const temp = ownTempPath(target)
  try {
    const file = await open(temp, 'wx', mode ?? 0o666)
    try {
      if (mode !== undefined) await file.chmod(mode)
      await file.writeFile(data)
      if (options.durable) await file.sync()
    } finally {
      await file.close()
    }
    await renamePatiently(temp, target)
  } catch (error) {
    // a clean-up that fails must not hide why it was needed; the next start removes what is left
    await unlink(temp).catch(() => undefined)
    throw error
  }
  if (options.durable) await syncDirectory(dirname(target))
}

/** The same for worker threads, where blocking calls are the faster ones. */
export function writeFileAtomicSync (path: string, data: string | Uint8Array, options: AtomicWriteOptions): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  const target = options.followLink && found?.isSymbolicLink() ? realpathSync(path) : path
  const mode = options.mode ?? modeOf(found)
  const temp = ownTempPath(target)
  try {
    const file = openSync(temp, 'wx', mode ?? 0o666)
    try {
      if (mode !== undefined) fchmodSync(file, mode)
      writeFileSync(file, data)
      if (options.durable) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temp, target)
  } catch (error) {
    removeTemp(temp)
    throw error
  }
  if (options.durable) syncDirectorySync(dirname(target))
}

/** Makes the names of a directory durable. Not every platform can (Windows, some network mounts): there it is nothing to wait for. */
export async function syncDirectory (directory: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(directory, 'r')
    await handle.sync()
  } catch (error) {
    if (!isUnsupported(error)) throw error
  } finally {
    await handle?.close()
  }
}

/** The same for worker threads. */
export function syncDirectorySync (directory: string): void {
  let handle: number | undefined
  try {
    handle = openSync(directory, 'r')
    fsyncSync(handle)
  } catch (error) {
    if (!isUnsupported(error)) throw error
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** On Windows a virus scanner or an indexer holds fresh files for some milliseconds. */
async function renamePatiently (from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to)
    } catch (error) {
      const held = process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(error))
      if (!held || attempt >= RENAME_TRIES) throw error
      await delay(10 * 2 ** attempt)
    }
  }
}

function modeOf (found: { mode: number, isFile (): boolean } | undefined): number | undefined {
  return found?.isFile() ? found.mode & 0o777 : undefined
}

/** A clean-up that fails must not hide why it was needed; the next start removes what is left. */
function removeTemp (temp: string): boolean {
  try {
    unlinkSync(temp)
    return true
  } catch {
    return false
  }
}

function isUnsupported (error: unknown): boolean {
  return ['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EACCES', 'EBADF'].includes(codeOf(error))
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

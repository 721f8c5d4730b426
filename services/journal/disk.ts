import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { link, lstat, lutimes, mkdir, open, readdir, readFile, readlink, realpath, rename, rmdir, symlink, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { syncDirectory, writeFileAtomic } from '../files/atomic-write.ts'

/** What is known of a path without following a link at its end. */
export interface DiskStat {
  kind: 'file' | 'link' | 'directory' | 'other'
  /** Decimal; inode numbers of some file systems don't fit a JavaScript number. */
  dev: string
  ino: string
  /** Bytes. */
  size: number
  /** Milliseconds since 1970, with their fraction. */
  mtimeMs: number
  /** Permission bits. */
  mode: number
}

export interface NewFileOptions {
  mtimeMs?: number | undefined
  mode?: number | undefined
}

/**
 * The few things the journal does to a disk. Failures are thrown as the file system's own errors (`code`: EIO, ENOSPC, …).
 * Tests stand in for it to fail or to crash at every single call.
 */
export interface JournalDisk {
  /** Null when there is nothing. */
  lstat (path: string): Promise<DiskStat | null>
  /** A second name for a file; EEXIST instead of replacing anything. */
  link (from: string, to: string): Promise<void>
  /** Replaces what is at the target. */
  rename (from: string, to: string): Promise<void>
  unlink (path: string): Promise<void>
  /** An empty file; EEXIST instead of replacing anything. */
  createEmpty (path: string): Promise<void>
  /** A new file with this content, synced before it returns; EEXIST instead of replacing anything. */
  writeNew (path: string, data: Uint8Array, options?: NewFileOptions): Promise<void>
  /** Copies to a new file, synced before it returns; EEXIST instead of replacing anything. Answers what it read. */
  copy (from: string, to: string, options?: NewFileOptions): Promise<{ size: number, sha256: string }>
  /** Lower-case hex of the content, read in a stream. */
  sha256 (path: string): Promise<string>
  readlink (path: string): Promise<string>
  realpath (path: string): Promise<string>
  /** A link with this text, bearing this time where the file system can; EEXIST instead of replacing anything. */
  symlink (target: string, path: string, mtimeMs: number): Promise<void>
  fsyncDirectory (path: string): Promise<void>
  /** Parents must exist; an existing directory is fine. */
  mkdir (path: string): Promise<void>
  /** Removes an empty directory; false when it is not empty, true also when it is already gone. */
  rmdir (path: string): Promise<boolean>
  readdir (path: string): Promise<string[]>
  readFile (path: string): Promise<Buffer>
  writeFileAtomic (path: string, data: string): Promise<void>
}

/** The code of a file system's error, '' for every other error. */
export function errnoOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

export function sameInode (a: DiskStat, b: DiskStat): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.kind === b.kind && a.size === b.size
}

export function diskStat (found: BigIntStats): DiskStat {
  return {
    kind: found.isFile() ? 'file' : found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'directory' : 'other',
    dev: String(found.dev),
    ino: String(found.ino),
    size: Number(found.size),
    mtimeMs: Number(found.mtimeNs) / 1e6,
    mode: Number(found.mode) & 0o777
  }
}

export function isNothingThere (error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error))
}

const CHUNK = 1 << 20

export const nodeDisk: JournalDisk = {
  lstat: async (path) => {
    try {
      return diskStat(await lstat(path, { bigint: true }))
    } catch (error) {
      if (isNothingThere(error)) return null
      throw error
    }
  },
  link,
  rename,
  unlink,
  createEmpty: async (path) => {
    const file = await open(path, 'wx')
    await file.close()
  },
  writeNew: async (path, data, options = {}) => {
    const file = await open(path, 'wx', options.mode ?? 0o666)
    try {
      await file.writeFile(data)
      if (options.mtimeMs !== undefined) await setTime(file, options.mtimeMs)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  copy: copyHashed,
  sha256: async (path) => {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) hash.update(chunk as Buffer)
    return hash.digest('hex')
  },
  readlink: (path) => readlink(path),
  realpath: (path) => realpath(path),
  symlink: async (target, path, mtimeMs) => {
    await symlink(target, path, 'file')
    await whereKept(lutimes(path, secondsOf(mtimeMs), secondsOf(mtimeMs)))
  },
  fsyncDirectory: async (path) => {
    try {
      await syncDirectory(path)
    } catch (error) {
      // a directory that was removed meanwhile has no names to keep
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  },
  mkdir: async (path) => {
    try {
      await mkdir(path)
    } catch (error) {
      const found = errnoOf(error) === 'EEXIST' ? await nodeDisk.lstat(path) : null
      if (found === null || found.kind === 'file' || found.kind === 'other') throw error
    }
  },
  rmdir: async (path) => {
    try {
      await rmdir(path)
      return true
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return true
      if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error))) return false
      throw error
    }
  },
  readdir: (path) => readdir(path),
  readFile: (path) => readFile(path),
  writeFileAtomic: (path, data) => writeFileAtomic(path, data, { durable: false })
}

async function copyHashed (from: string, to: string, options: NewFileOptions = {}): Promise<{ size: number, sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  const file = await open(to, 'wx', options.mode ?? 0o666)
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: CHUNK })) {
      const data = chunk as Buffer
      hash.update(data)
      size += data.length
      await file.writeFile(data)
    }
    if (options.mtimeMs !== undefined) await setTime(file, options.mtimeMs)
    await file.sync()
  } finally {
    await file.close()
  }
  return { size, sha256: hash.digest('hex') }
}

async function setTime (file: FileHandle, mtimeMs: number): Promise<void> {
  await whereKept(file.utimes(secondsOf(mtimeMs), secondsOf(mtimeMs)))
}

/** Node cuts times to microseconds; half of one more makes that the nearest, so that whole milliseconds stay whole. */
export function secondsOf (mtimeMs: number): number {
  return (mtimeMs + 0.0005) / 1000
}

/** Some file systems keep no times that programs choose; that is no reason to refuse them a file. */
async function whereKept (setting: Promise<void>): Promise<void> {
  try {
    await setting
  } catch (error) {
    if (!keepsNoTimes(error)) throw error
  }
}

export function keepsNoTimes (error: unknown): boolean {
  return ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM'].includes(errnoOf(error))
}

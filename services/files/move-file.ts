import { basename, dirname } from 'node:path'
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts'
import { errnoOf, nodeDisk, sameInode } from '../journal/disk.ts'
import type { DiskStat, JournalDisk } from '../journal/disk.ts'
import { ownTempPath } from './atomic-write.ts'

export type MoveDisk = Pick<JournalDisk,
  'lstat' | 'link' | 'rename' | 'unlink' | 'createEmpty' | 'copy' | 'sha256' | 'readlink' | 'symlink' | 'readdir' | 'fsyncDirectory'>

export interface MoveOptions {
  disk?: MoveDisk
  /** Name of the copy while a move crosses volumes, beside the target; by default a fresh one. */
  temporary?: string
  /** What a moved link is to say; by default what it says. */
  linkTarget?: string
}

export interface MoveResult {
  /** The file is a verified copy on another volume: a new inode. */
  crossed: boolean
  /** Known when the file was copied. */
  sha256: string | null
}

/** What file systems without hard links answer to `link` (exFAT, CIFS, FUSE, protected links, Windows on FAT). */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EISDIR', 'UNKNOWN'])

/**
 * Moves a file, or a link as the link itself, and never replaces anything at the target: a hard link and an unlink;
 * without hard links an exclusive placeholder and a rename over it; across volumes a copy that is synced and verified
 * by size and SHA-256 before the source goes. Keeps the modification time. A mere change of case is done where the
 * volume takes both spellings for one name.
 * @throws ConflictError `destination-exists` or `source-changed`, NotFoundError `source-missing`, errors of the file system;
 * after each the source is in place and nothing of ours at the target.
 */
export async function moveFile (from: string, to: string, options: MoveOptions = {}): Promise<MoveResult> {
  const disk = options.disk ?? nodeDisk
  const source = await disk.lstat(from)
  if (source === null) throw new NotFoundError(`${basename(from)} is not there`, 'source-missing')
  if (source.kind === 'link') return moveLink(disk, from, to, source, options.linkTarget)
  if (source.kind !== 'file') throw new InvalidInputError(`${basename(from)} is not a file`, 'not-a-file')
  try {
    await takeName(disk, from, to, source)
    return { crossed: false, sha256: null }
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
  }
  return moveAcross(disk, from, to, source, options.temporary ?? ownTempPath(to))
}

/**
 * Whether both spellings name the same entry of a directory on a volume that ignores case or Unicode form.
 * Two hard links under both spellings on a volume that tells them apart are two entries: then it is false.
 */
export async function isCaseOnlyRename (disk: Pick<MoveDisk, 'lstat' | 'readdir'>, from: string, to: string): Promise<boolean> {
  if (from === to || fold(from) !== fold(to)) return false
  const [source, target] = [await disk.lstat(from), await disk.lstat(to)]
  if (source === null || target === null || !sameInode(source, target)) return false
  return !(await disk.readdir(dirname(to))).includes(basename(to))
}

function fold (path: string): string {
  return path.normalize('NFC').toLowerCase()
}

function destinationExists (to: string): ConflictError {
  return new ConflictError(`A file named ${basename(to)} already exists at the destination`, 'destination-exists')
}

async function takeName (disk: MoveDisk, from: string, to: string, source: DiskStat): Promise<void> {
  try {
    await disk.link(from, to)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return changeCase(disk, from, to)
    if (WITHOUT_LINKS.has(errnoOf(error))) return renameOverPlaceholder(disk, from, to)
    throw error
  }
  await dropSource(disk, from, to, source)
}

async function changeCase (disk: MoveDisk, from: string, to: string): Promise<void> {
  if (!await isCaseOnlyRename(disk, from, to)) throw destinationExists(to)
  await disk.rename(from, to)
}

async function renameOverPlaceholder (disk: MoveDisk, from: string, to: string): Promise<void> {
  try {
    await disk.createEmpty(to)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return changeCase(disk, from, to)
    throw error
  }
  try {
    const placeholder = await disk.lstat(to)
    if (placeholder === null || placeholder.kind !== 'file' || placeholder.size !== 0) throw destinationExists(to)
    await disk.rename(from, to)
  } catch (error) {
    // someone may have written into it meanwhile: only an empty one is ours to remove
    const left = await disk.lstat(to)
    if (left?.kind === 'file' && left.size === 0) await disk.unlink(to)
    throw error
  }
}

/** The last act of a move. When the source can't be removed, the new name goes instead: never is the last name of a file. */
async function dropSource (disk: MoveDisk, from: string, to: string, source: DiskStat): Promise<void> {
  try {
    await disk.unlink(from)
  } catch (error) {
    const left = await disk.lstat(from)
    if (left === null || !sameInode(left, source)) return
    await disk.unlink(to)
    throw error
  }
}

async function moveLink (disk: MoveDisk, from: string, to: string, source: DiskStat, target?: string): Promise<MoveResult> {
  try {
    await disk.symlink(target ?? await disk.readlink(from), to, source.mtimeMs)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    await changeCase(disk, from, to)
    return { crossed: false, sha256: null }
  }
  await dropSource(disk, from, to, source)
  return { crossed: false, sha256: null }
}

async function moveAcross (disk: MoveDisk, from: string, to: string, source: DiskStat, temporary: string): Promise<MoveResult> {
  const sha256 = await copyVerified(disk, from, temporary, source)
  try {
    const copy = await disk.lstat(temporary)
    if (copy === null) throw new NotFoundError(`The copy of ${basename(from)} vanished`, 'source-missing')
    await takeName(disk, temporary, to, copy)
  } catch (error) {
    await discard(disk, temporary)
    throw error
  }
  // the name of the copy must be durable before the only other copy goes
  try {
    await disk.fsyncDirectory(dirname(to))
  } catch (error) {
    await disk.unlink(to)
    throw error
  }
  await dropSource(disk, from, to, source)
  return { crossed: true, sha256 }
}

async function copyVerified (disk: MoveDisk, from: string, temporary: string, source: DiskStat): Promise<string> {
  try {
    const copied = await disk.copy(from, temporary, { mtimeMs: source.mtimeMs, mode: source.mode })
    const written = await disk.sha256(temporary)
    const now = await disk.lstat(from)
    if (now === null || !sameInode(now, source) || now.mtimeMs !== source.mtimeMs || copied.size !== source.size) {
      throw new ConflictError(`${basename(from)} changed while it was copied`, 'source-changed')
    }
    if (written !== copied.sha256) {
      throw Object.assign(new Error(`The copy of ${basename(from)} differs from it`), { code: 'EIO' })
    }
    return copied.sha256
  } catch (error) {
    await discard(disk, temporary)
    throw error
  }
}

async function discard (disk: MoveDisk, path: string): Promise<void> {
  if (await disk.lstat(path) !== null) await disk.unlink(path)
}

import type { DiskStat, JournalDisk } from './disk.ts'

/** What a file was when the journal saw it, so that it can be told again after a crash, a reboot or an edit by others. */
export interface Identity extends DiskStat {
  /** Text of a link. */
  target?: string
  sha256?: string
}

/**
 * `same`: inode, size and time. `similar`: size and time only, as after a copy to another volume, or where inode numbers
 * or fractions of seconds don't last (FUSE, CIFS, FAT): never enough to destroy anything without comparing content.
 */
export type Likeness = 'same' | 'similar' | 'other' | 'absent'

/** FAT and old SMB keep times to two seconds. */
const COARSE_MS = 2000
const FINE_MS = 0.01

export async function identify (disk: Pick<JournalDisk, 'lstat' | 'readlink'>, path: string): Promise<Identity | null> {
  const found = await disk.lstat(path)
  if (found?.kind !== 'link') return found
  return { ...found, target: await disk.readlink(path) }
}

export function compare (expected: Identity, found: Identity | null): Likeness {
  if (found === null) return 'absent'
  if (found.kind !== expected.kind) return 'other'
  if (expected.kind === 'link') return found.target === expected.target ? 'same' : 'other'
  const drift = Math.abs(found.mtimeMs - expected.mtimeMs)
  if (found.size !== expected.size || drift > COARSE_MS) return 'other'
  return found.ino === expected.ino && drift <= FINE_MS ? 'same' : 'similar'
}

/**
 * Whether a file is still the recorded one: by inode, or by content where the hash is known, or by size and time alone
 * where the volume was mounted anew since (its inodes may be numbered anew).
 */
export async function isUnchanged (disk: JournalDisk, path: string, expected: Identity, found: Identity | null): Promise<boolean> {
  const likeness = compare(expected, found)
  if (likeness === 'same') return true
  if (likeness !== 'similar' || found === null) return false
  if (expected.sha256 !== undefined) return await disk.sha256(path) === expected.sha256
  return found.dev !== expected.dev
}

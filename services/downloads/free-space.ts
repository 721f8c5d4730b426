import { statfs } from 'node:fs/promises'
import { DomainError } from '../errors.ts'
import { errnoOf } from '../journal/disk.ts'

/** Bytes that programs may still use on the disk of a folder, and how large it is. */
export type FreeSpace = (directory: string) => Promise<{ free: number, size: number }>

export const freeSpaceOf: FreeSpace = async (directory) => {
  const { bavail, blocks, bsize } = await statfs(directory)
  return { free: bavail * bsize, size: blocks * bsize }
}

const LEAST_BYTES = 1024 ** 3
const LEAST_SHARE = 0.01

/**
 * So much stays free for everything else on the disk.
 * @throws DomainError `storage-full` when the bytes to come do not fit above it
 */
export async function checkFreeSpace (freeSpace: FreeSpace, directory: string, coming: number): Promise<void> {
  const { free, size } = await freeSpace(directory)
  const floor = Math.max(LEAST_BYTES, size * LEAST_SHARE)
  if (free - coming >= floor) return
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
  throw new DomainError('storage-full', 'storage-full',
    `Not enough space on the disk: ${gigabytes(coming)} to come, ${gigabytes(free)} free, of which ${gigabytes(floor)} stay reserved`, { free, required: coming + floor })
}

export async function hasFreeSpace (freeSpace: FreeSpace, directory: string, coming: number): Promise<boolean> {
  try {
    await checkFreeSpace(freeSpace, directory, coming)
    return true
  } catch (error) {
    if (fullDisk(error)) return false
    throw error
  }
}

/** The failure of a disk that has no room, whoever noticed it; null for every other failure. */
export function fullDisk (error: unknown): DomainError | null {
  if (error instanceof DomainError) return error.code === 'storage-full' ? error : null
  if (!['ENOSPC', 'EDQUOT'].includes(errnoOf(error))) return null
  return new DomainError('storage-full', 'storage-full', 'The disk is full', {}, { cause: error })
}

import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs'
import { HashingError, type HashingFailure } from './hashing-error.ts'

export interface FileHash {
  /** 64 lower-case hex digits. */
  sha256: string
  bytes: number
  /** AutoV3: first 12 hex digits of the hash of what follows a safetensors header; null when not asked for or not to be had. */
  tensorHash: string | null
  /** Size and time of the very bytes that were hashed. */
  size: number
  mtimeMs: number
}

export interface HashFileOptions {
  alsoTensorHash: boolean
  /** Asked before every block; true ends the work with undefined. */
  cancelled: () => boolean
  onBlock?: (bytes: number) => void
}

/** Larger blocks gain nothing, smaller ones cost calls. One per thread, for it hashes one file at a time. */
const block = Buffer.allocUnsafe(1024 * 1024)
const LENGTH_BYTES = 8
const MAX_HEADER_BYTES = 64 * 1024 * 1024
const HASH_OF_NOTHING = 'e3b0c44298fc'

/** Hashes one file synchronously. @throws HashingError */
export function hashFile (path: string, options: HashFileOptions): FileHash | undefined {
  const descriptor = attempt(() => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
  try {
    const before = attempt(() => fstatSync(descriptor, { bigint: true }))
    if (!before.isFile()) throw new HashingError('not-a-regular-file')
    const sums = attempt(() => hashDescriptor(descriptor, Number(before.size), options))
    if (!sums) return undefined
    const after = attempt(() => fstatSync(descriptor, { bigint: true }))
    const named = attempt(() => statSync(path, { bigint: true }))
    if (sums.bytes !== Number(before.size) || !isSame(before, after) || !isSame(before, named)) throw new HashingError('changed-while-read')
    // Others compare this with their own stat by equality, so it must be rounded as stat rounds it.
    const { size, mtimeMs } = attempt(() => fstatSync(descriptor))
    return { ...sums, size, mtimeMs }
  } finally {
    closeSync(descriptor)
  }
}

/** The path must still name the bytes that were read, or the hash would be credited to another file. */
function isSame (one: BigIntStats, other: BigIntStats): boolean {
  return one.size === other.size && one.mtimeNs === other.mtimeNs && one.ino === other.ino
}

function hashDescriptor (descriptor: number, size: number, options: HashFileOptions): Pick<FileHash, 'sha256' | 'bytes' | 'tensorHash'> | undefined {
  const whole = createHash('sha256')
  let tensors: Hash | null = null
  let tensorStart = Infinity
  let bytes = 0
  // One byte more than expected ends it: a file that grows for ever must not be followed.
  while (bytes <= size) {
    if (options.cancelled()) return undefined
    const got = readSync(descriptor, block, 0, block.length, bytes)
    if (got === 0) break
    const part = got === block.length ? block : block.subarray(0, got)
    whole.update(part)
    if (bytes === 0 && options.alsoTensorHash) {
      tensorStart = startOfTensors(part, size)
      if (tensorStart < size) tensors = createHash('sha256')
    }
    if (tensors && bytes + got > tensorStart) tensors.update(part.subarray(Math.max(0, tensorStart - bytes)))
    bytes += got
    options.onBlock?.(bytes)
  }
  const digest = tensors?.digest('hex').slice(0, 12) ?? null
  return { sha256: whole.digest('hex'), bytes, tensorHash: digest === HASH_OF_NOTHING ? null : digest }
}

function startOfTensors (start: Buffer, size: number): number {
  if (start.length < LENGTH_BYTES) return Infinity
  const length = start.readBigUInt64LE(0)
  if (length < 2n || length > BigInt(MAX_HEADER_BYTES) || start[LENGTH_BYTES] !== 0x7b) return Infinity
  const at = LENGTH_BYTES + Number(length)
  return at <= size ? at : Infinity
}

function attempt<T> (work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault'
    const missing = code === 'ENOENT' || code === 'ENOTDIR'
    // Sockets and devices without a driver are refused by the open itself.
    const failure: HashingFailure = missing ? 'not-found' : code === 'ENXIO' || code === 'EISDIR' ? 'not-a-regular-file' : 'read-failed'
    throw new HashingError(failure, missing ? '' : code)
  }
}

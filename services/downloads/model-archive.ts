import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { crc32, createInflateRaw } from 'node:zlib'
import { getFileNameLowLevel, openPromise, validateFileName, type Entry, type ZipFile } from 'yauzl'
import { DomainError } from '../errors.ts'
import type { ModelType } from '../models/types.ts'

/** A file of an archive that can be a model. */
export interface ArchiveMember {
  /** Base name, as the archive has it. */
  name: string
  /** Bytes of the model. */
  size: number
  entry: Entry
}

export interface ModelArchive {
  /**
   * The models of a type in it, whatever folder they lie in.
   * @throws DomainError `archive-refused` when anything about it is suspicious, `archive-without-model`, `archive-damaged`
   */
  models (type: Pick<ModelType, 'extensions' | 'label'>, signal: AbortSignal): Promise<ArchiveMember[]>
  /** Its bytes; size and checksum are right when they end. @throws DomainError `archive-damaged`, or what the disk says */
  content (member: ArchiveMember): AsyncGenerator<Buffer>
  close (): void
}

const MOST_FILES = 500
/** The largest packs of checkpoints stay below; what the disk has room for is asked besides. */
const MOST_BYTES = 256 * 1024 ** 3
/** Weights hardly shrink; what shrinks more than this is made to fill disks. */
const MOST_RATIO = 100
/** So little is nothing to be afraid of, however well it was packed. */
const SMALL_BYTES = 1024 * 1024
const CHUNK_BYTES = 256 * 1024

/** Bits of the mode that a Unix archiver notes: what kind of file it is. */
const KIND_BITS = 0o170000
const PLAIN_KINDS: ReadonlySet<number> = new Set([0, 0o100000, 0o040000])

const STORED = 0

/** Opens a ZIP archive. @throws DomainError `archive-damaged`, or what the disk says */
export async function openModelArchive (path: string): Promise<ModelArchive> {
  const { size: archiveSize } = await stat(path)
  // Names are read here, so that a wrong one is told from a damaged archive.
  const zip = await openPromise(path, { autoClose: false, decodeStrings: false }).catch((error: unknown) => { throw readingFailed(error) })

  return {
    async models (type, signal) {
      const entries = await namedEntries(zip, signal)
      const members = entries.filter(({ path: name }) => isModel(name, type)).map(({ path: name, entry }) => ({ name: posix.basename(name), size: entry.uncompressedSize, entry }))
      if (members.length === 0) throw new DomainError('failed', 'archive-without-model', `The archive holds no ${type.label}`)
      checkMembers(members, archiveSize)
      return members
    },
    content: (member) => contentOf(path, zip, member),
    close () { zip.close() }
  }
}

async function namedEntries (zip: ZipFile, signal: AbortSignal): Promise<{ path: string, entry: Entry }[]> {
  // Folders have entries too.
  if (zip.entryCount > 2 * MOST_FILES) throw refused(`it holds ${zip.entryCount} files`)
  const entries = new Map<string, Entry>()
  try {
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted()
      const path = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, false)
      checkEntry(path, entry)
      if (entries.has(path)) throw refused('two files in it have the same name')
      entries.set(path, entry)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw readingFailed(error)
  }
  const files = [...entries].filter(([path]) => !path.endsWith('/'))
  if (files.length > MOST_FILES) throw refused(`it holds ${files.length} files`)
  return files.map(([path, entry]) => ({ path, entry }))
}

function checkEntry (path: string, entry: Entry): void {
  if (validateFileName(path) !== null || path.includes('\0')) throw refused('it wants to write outside of its folder')
  if (!PLAIN_KINDS.has((entry.externalFileAttributes >>> 16) & KIND_BITS)) throw refused('it holds a link')
}

/** What macOS lays beside every file bears the name of the file and is none. */
function isModel (path: string, { extensions }: Pick<ModelType, 'extensions'>): boolean {
  return !path.split('/').some((name) => name.startsWith('.') || name === '__MACOSX') && extensions.includes(posix.extname(path).toLowerCase())
}

function checkMembers (members: readonly ArchiveMember[], archiveSize: number): void {
  if (members.some(({ entry }) => entry.isEncrypted())) throw refused('it is locked with a password')
  if (members.some(({ entry }) => !entry.canDecodeFileData())) throw refused('it is packed in a way that is not known here')
  const total = members.reduce((sum, { size }) => sum + size, 0)
  if (total > MOST_BYTES) throw refused(`it would become ${Math.round(total / 1e9)} GB`)
  if (isBomb(total, archiveSize) || members.some(({ size, entry }) => isBomb(size, entry.compressedSize))) throw refused('it would become more than a hundred times as large')
}

function isBomb (unpacked: number, packed: number): boolean {
  return unpacked > SMALL_BYTES && unpacked > packed * MOST_RATIO
}

async function * contentOf (path: string, zip: ZipFile, { entry }: ArchiveMember): AsyncGenerator<Buffer> {
  let left = entry.uncompressedSize
  let checksum = 0
  try {
    const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
    for await (const chunk of unpacked(path, start, entry)) {
      left -= chunk.length
      if (left < 0) throw new Error('a file in it is longer than it says')
      checksum = crc32(chunk, checksum)
      yield chunk
    }
  } catch (error) {
    throw readingFailed(error)
  }
  if (left > 0 || checksum !== entry.crc32) throw readingFailed(new Error('a file in it is cut or spoilt'))
}

/** Large pieces: each costs the thread that serves requests a turn. */
async function * unpacked (path: string, start: number, { compressedSize, compressionMethod }: Entry): AsyncGenerator<Buffer> {
  if (compressedSize === 0) return
  const raw = createReadStream(path, { start, end: start + compressedSize - 1, highWaterMark: CHUNK_BYTES })
  try {
    if (compressionMethod === STORED) return yield * raw
    const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES })
    raw.once('error', (error) => { inflate.destroy(error) })
    yield * raw.pipe(inflate)
  } finally {
    raw.destroy()
  }
}

function refused (reason: string): DomainError {
  return new DomainError('failed', 'archive-refused', `The archive is not unpacked: ${reason}`)
}

/** Whatever is not of the disk is of the archive. */
function readingFailed (error: unknown): unknown {
  if (error instanceof DomainError || (error instanceof Error && 'syscall' in error)) return error
  return new DomainError('failed', 'archive-damaged', `The archive can not be unpacked: ${error instanceof Error ? error.message : 'it can not be read'}`, {}, { cause: error })
}

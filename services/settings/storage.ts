import { readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { link, mkdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '../errors.ts'
import { isOwnTempName, writeFileAtomic, writeFileAtomicSync } from '../files/atomic-write.ts'
import { parseDocument } from './document.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../progress/clock.ts'
import type { SettingsDocument } from './document.ts'

/** `invalid`: not one JSON object. `unreadable`: the system refused to read it. */
export type FileProblem = 'invalid' | 'unreadable'

export type FileContent = { document: SettingsDocument } | { problem: FileProblem } | { absent: true }

export interface SettingsStorage {
  readonly file: string
  /** Reads the file at the start; a good one is kept as the last good copy. */
  readAtStart (): FileContent
  /** The last good copy, if there is one. */
  lastGoodCopy (): SettingsDocument | undefined
  /** Reads the file when it is another one than we last read or wrote, else undefined. */
  readWhenChanged (): Promise<FileContent | undefined>
  /**
   * Replaces the file durably, then the copy. A file that could not be read is kept under `settings.json.invalid-<time>`.
   * @throws DomainError `forbidden` when the directory can't be written, `storage-full`
   */
  write (text: string): Promise<void>
}

const MAX_FILE_BYTES = 32 * 1024 * 1024
const PRIVATE = 0o600
const STRAY_AGE_MS = 60_000

export function createSettingsStorage ({ directory, logger, clock }: { directory: string, logger: Logger, clock: Clock }): SettingsStorage {
  const file = join(directory, 'settings.json')
  const copy = `${file}.bak`
  let seen = ''
  let broken = false

  function taken (bytes: Buffer): FileContent {
    const document = bytes.length > MAX_FILE_BYTES ? undefined : parseDocument(bytes.toString('utf8'))
    broken = document === undefined
    return document ? { document } : { problem: 'invalid' }
  }

  function refused (error: unknown): FileContent {
    if (codeOf(error) === 'ENOENT') {
      broken = false
      return { absent: true }
    }
    broken = true
    logger.error({ err: error, file }, 'settings.json can\'t be read')
    return { problem: 'unreadable' }
  }

  /** The copy is a safety net: that it can't be written is no reason not to start. */
  function keepCopy (bytes: Buffer): void {
    try {
      const kept = statSync(copy, { throwIfNoEntry: false }) ? readFileSync(copy) : undefined
      if (!kept?.equals(bytes)) writeFileAtomicSync(copy, bytes, { durable: false, mode: PRIVATE })
    } catch (error) {
      logger.warn({ err: error, file: copy }, 'The last good copy of the settings can\'t be written')
    }
  }

  async function setBrokenAside (): Promise<void> {
    if (!broken) return
    const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '')
    const aside = await moveAside(file, `${file}.invalid-${time}`)
    broken = false
    if (aside) logger.warn({ file: aside }, 'The settings that could not be read are kept')
  }

  return {
    file,
    readAtStart () {
      removeStrayTemps(directory, logger)
      try {
        const bytes = readFileSync(file)
        seen = signature(statSync(file))
        const content = taken(bytes)
        if ('document' in content) keepCopy(bytes)
        return content
      } catch (error) {
        return refused(error)
      }
    },
    lastGoodCopy () {
      try {
        return parseDocument(readFileSync(copy, 'utf8'))
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') logger.warn({ err: error, file: copy }, 'The last good copy of the settings can\'t be read')
        return undefined
      }
    },
    async readWhenChanged () {
      try {
        const found = signature(await stat(file))
        if (found === seen) return undefined
        const bytes = await readFile(file)
        seen = found
        const content = taken(bytes)
        if ('document' in content) keepCopy(bytes)
        return content
      } catch (error) {
        if (seen === codeOf(error)) return undefined
        seen = codeOf(error)
        return refused(error)
      }
    },
    async write (text) {
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await setBrokenAside()
        await writeFileAtomic(file, text, { durable: true, mode: PRIVATE, followLink: true })
        seen = signature(await stat(file))
      } catch (error) {
        throw asDomainError(error)
      }
      await writeFileAtomic(copy, text, { durable: true, mode: PRIVATE }).catch((error: unknown) => {
        logger.warn({ err: error, file: copy }, 'The last good copy of the settings can\'t be written')
      })
    }
  }
}

/** What a process left behind that was killed while it saved; a young one may be another process's save under way. */
function removeStrayTemps (directory: string, logger: Logger): void {
  try {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      const stray = isOwnTempName(name) && name.startsWith('.settings.json') && Date.now() - statSync(path).mtimeMs > STRAY_AGE_MS
      if (stray) unlinkSync(path)
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') logger.warn({ err: error }, 'Left-over temporary files of the settings can\'t be removed')
  }
}

function signature (found: { mtimeMs: number, size: number, ino: number }): string {
  return `${found.mtimeMs}:${found.size}:${found.ino}`
}

/** Renames without ever replacing something; undefined when there was nothing to rename. */
async function moveAside (from: string, wanted: string): Promise<string | undefined> {
  for (let count = 0; count < 100; count++) {
    const target = count === 0 ? wanted : `${wanted}-${count}`
    try {
      await link(from, target)
      await unlink(from)
      return target
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      if (codeOf(error) === 'EEXIST') continue
      // no hard links here; the time in the name keeps it from being another's
      await rename(from, target)
      return target
    }
  }
  throw new DomainError('conflict', 'settings-aside', 'There is no free name for the broken settings file')
}

function asDomainError (error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DomainError('storage-full', 'settings-storage-full', 'There is no space left to save the settings', {}, { cause: error })
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return new DomainError('forbidden', 'settings-read-only', 'The settings directory can\'t be written', {}, { cause: error })
  return error
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

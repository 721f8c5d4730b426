import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'

export interface OpenOptions {
  readonly?: boolean
  /** `full` survives power loss with every commit; `normal` (derived data) survives a killed process. */
  synchronous?: 'normal' | 'full'
  /** Takes effect only on a new file. */
  pageSize?: number
  /** Pages of the log after which a commit merges it into the file; 2000 by default. */
  checkpointPages?: number
  /** Kilobytes of pages kept in memory; 4096 by default. */
  cacheKilobytes?: number
}

/**
 * Opens a database for use by several threads of one process: write-ahead log where the file system can do it
 * (network mounts can't), else a rollback journal; waits for locks instead of failing; keeps little in memory.
 */
export function openDatabase (file: string, options: OpenOptions = {}): Database {
  const readonly = options.readonly === true
  if (!readonly) mkdirSync(dirname(file), { recursive: true })
  const db = new Sqlite(file, { readonly, fileMustExist: readonly, timeout: 5000 })
  try {
    if (!readonly) {
      if (options.pageSize !== undefined) db.pragma(`page_size = ${options.pageSize}`)
      setJournal(db)
      db.pragma(`synchronous = ${options.synchronous ?? 'normal'}`)
    }
    db.pragma(`wal_autocheckpoint = ${options.checkpointPages ?? 2000}`)
    db.pragma(`cache_size = ${-(options.cacheKilobytes ?? 4096)}`)
    db.pragma('mmap_size = 0')
    db.pragma('temp_store = memory')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function setJournal (db: Database): void {
  const mode = tryWal(db)
  if (mode !== 'wal') db.pragma('journal_mode = delete')
}

function tryWal (db: Database): string {
  try {
    return String(db.pragma('journal_mode = wal', { simple: true }))
  } catch (error) {
    if (isCorruption(error)) throw error
    return 'unavailable'
  }
}

/** Whether an error says that the file itself is not a sound database. */
export function isCorruption (error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
}

/**
 * Checks a just opened database: its length against its own page count, then the named tables page by page.
 * Answers what is wrong, or null.
 */
export function findDamage (db: Database, tables: readonly string[]): string | null {
  try {
    const expected = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }))
    const unmerged = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
    if (unmerged === 0 && statSync(db.name).size < expected) return 'the file is shorter than it says'
    for (const table of tables) {
      const verdict = String(db.pragma(`quick_check("${table}")`, { simple: true }))
      if (verdict !== 'ok') return verdict
    }
    return null
  } catch (error) {
    if (isCorruption(error)) return (error as Error).message
    throw error
  }
}

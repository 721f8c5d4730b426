import { createHash } from 'node:crypto'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { Logger } from '../logger.ts'
import { findDamage, isCorruption, openDatabase } from './open.ts'
import { forgetOldAsides, setAside } from './set-aside.ts'
import { markSound, takeSoundMark } from './sound-mark.ts'

/** What a derived database must look like; another version is set aside and built anew from the disk. */
export interface CacheSchema {
  /** What the file is called before the library's name; `cache` by default. */
  name?: string
  version: number
  /** Statements that build an empty database. */
  create: string
  /** Tables whose pages are checked at an open after anything but a close in good order; the rest is checked by use. */
  checked: readonly string[]
}

/** The name of a library as files of the existing program bear it; two libraries can share one. */
export function safeLibraryName (library: string): string {
  return library.replace(/[^A-Za-z0-9_.-]/g, '_') || 'default'
}

/** File name of a library's cache: its name made safe, with a hash when that changed it. */
export function cacheFileName (library: string, name = 'cache'): string {
  const safe = safeLibraryName(library)
  const suffix = safe === library ? '' : `-${createHash('sha256').update(library).digest('hex').slice(0, 8)}`
  return `${name}-${safe}${suffix}.sqlite`
}

/**
 * Opens the cache of a library under `<settings directory>/modelshelf`, building it when there is none.
 * A damaged file or one of another schema is set aside, never used and never in the way.
 */
export function openCacheDatabase (settingsDirectory: string, library: string, schema: CacheSchema, logger: Logger): Database {
  const file = join(settingsDirectory, 'modelshelf', cacheFileName(library, schema.name))
  if (existsSync(file)) {
    const sound = openSound(file, schema, logger)
    if (sound) return sound
    forgetOldAsides(file)
  }
  const db = openDatabase(file, { pageSize: 16384 })
  db.exec(schema.create)
  db.pragma(`user_version = ${schema.version}`)
  return db
}

/** Closes a cache. What was closed like this, by its last user, and not touched since is not checked at the next opening. */
export function closeCacheDatabase (db: Database): void {
  db.close()
  if (!existsSync(damageMark(db.name))) markSound(db.name)
}

const damageMark = (file: string): string => `${file}.damaged`

/**
 * Runs work on a cache. When it turns out that the file is damaged, that is noted beside it (the file itself is not to
 * be trusted with it), and the next opening sets it aside: not every table is checked when it is opened.
 */
export function noticingDamage<T> (db: Database, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (isCorruption(error)) writeFileSync(damageMark(db.name), '')
    throw error
  }
}

function openSound (file: string, schema: CacheSchema, logger: Logger): Database | undefined {
  const untouched = takeSoundMark(file)
  if (statSync(file).size === 0) {
    logger.warn({ file, aside: setAside(file, 'corrupt') }, 'the cache is empty; it is rebuilt from the disk')
    return undefined
  }
  if (existsSync(damageMark(file))) {
    logger.warn({ file, aside: setAside(file, 'corrupt') }, 'the cache was found damaged while it was in use; it is rebuilt from the disk')
    rmSync(damageMark(file))
    return undefined
  }
  let db: Database | undefined
  try {
    db = openDatabase(file)
    const version = Number(db.pragma('user_version', { simple: true }))
    const damage = version === schema.version ? findDamage(db, untouched ? [] : schema.checked) : null
    if (version === schema.version && damage === null) return db
    db.close()
    const aside = setAside(file, damage === null ? 'outdated' : 'corrupt')
    logger.warn({ file, aside, damage, version }, 'the cache cannot be used; it is rebuilt from the disk')
  } catch (error) {
    db?.close()
    if (!isCorruption(error)) throw error
    logger.warn({ file, aside: setAside(file, 'corrupt'), err: error }, 'the cache is damaged; it is rebuilt from the disk')
  }
  return undefined
}

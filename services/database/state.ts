import { copyFileSync, existsSync, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { ConflictError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { createLogSync } from './log-sync.ts'
import { findDamage, isCorruption, openDatabase } from './open.ts'
import { createShortLog } from './short-log.ts'
import { setAside } from './set-aside.ts'
import type { StateDatabase } from './types.ts'

const DAY = 24 * 60 * 60 * 1000

/**
 * Opens `<settings directory>/modelshelf/state.sqlite`. A damaged file is set aside and the daily copy takes its place;
 * the file itself is never wiped.
 */
export function createStateDatabase (settingsDirectory: string, logger: Logger): StateDatabase {
  const file = join(settingsDirectory, 'modelshelf', 'state.sqlite')
  const state = stateOver(openOrRestore(file, logger), logger)
  const { db } = state
  keepCopy(db, `${file}.bak`).catch((error: unknown) => {
    if (db.open) logger.warn({ err: error }, 'no daily copy of the state database could be made')
  })
  return state
}

/** A further connection beside that of a server which runs on this machine; that one sees to damage and copies. */
export function joinStateDatabase (settingsDirectory: string): StateDatabase {
  return stateOver(openDatabase(join(settingsDirectory, 'modelshelf', 'state.sqlite'), { synchronous: 'full' }), null)
}

/** Without a logger nothing is done beside the calls. */
function stateOver (db: Database, logger: Logger | null): StateDatabase {
  db.exec('CREATE TABLE IF NOT EXISTS migrations (owner TEXT NOT NULL, step INTEGER NOT NULL, applied_at TEXT NOT NULL, PRIMARY KEY (owner, step)) WITHOUT ROWID')
  const log = createLogSync(db)
  return {
    db,
    migrate: (owner, steps) => migrate(db, owner, steps),
    durably: log.durably,
    withoutWaiting: log.withoutWaiting,
    shortenLog: logger ? createShortLog(db, logger) : () => undefined,
    close () {
      log.close()
      db.close()
    }
  }
}

function migrate (db: Database, owner: string, steps: readonly string[]): void {
  const done = Number(db.prepare('SELECT count(*) FROM migrations WHERE owner = ?').pluck().get(owner))
  if (done > steps.length) {
    throw new ConflictError(`The state database was written by a newer version (${owner} ${done} > ${steps.length})`, 'state-from-newer-version')
  }
  const note = db.prepare('INSERT INTO migrations (owner, step, applied_at) VALUES (?, ?, ?)')
  steps.slice(done).forEach((step, offset) => {
    db.transaction(() => {
      db.exec(step)
      note.run(owner, done + offset, new Date().toISOString())
    }).immediate()
  })
}

function openOrRestore (file: string, logger: Logger): Database {
  const existed = existsSync(file)
  const damaged = existed ? damageOf(file) : null
  if (damaged !== null) {
    const aside = setAside(file, 'corrupt')
    const copy = `${file}.bak`
    const restored = existsSync(copy) && damageOf(copy) === null
    if (restored) copyFileSync(copy, file)
    logger.error({ file, aside, damaged, restored }, 'the state database is damaged; it was set aside')
  }
  return openDatabase(file, { synchronous: 'full' })
}

function damageOf (file: string): string | null {
  if (statSync(file).size === 0) return 'the file is empty'
  let db: Database | undefined
  try {
    db = openDatabase(file, { synchronous: 'full' })
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[]
    return findDamage(db, tables)
  } catch (error) {
    if (isCorruption(error)) return (error as Error).message
    throw error
  } finally {
    db?.close()
  }
}

async function keepCopy (db: Database, copy: string): Promise<void> {
  if (existsSync(copy) && Date.now() - statSync(copy).mtimeMs < DAY) return
  const fresh = `${copy}.new`
  await rm(fresh, { force: true })
  await db.backup(fresh)
  await rename(fresh, copy)
}

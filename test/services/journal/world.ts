import { mkdirSync, readFileSync, readdirSync, lstatSync, readlinkSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import type { StateDatabase } from '../../../services/database/types.ts'
import { createJournal } from '../../../services/journal/journal.ts'
import { nodeDisk } from '../../../services/journal/disk.ts'
import type { JournalDisk } from '../../../services/journal/disk.ts'
import type { Journal } from '../../../services/journal/types.ts'
import type { Clock } from '../../../services/progress/clock.ts'
import type { Logger } from '../../../services/logger.ts'

const quiet: Logger = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/** Times of files laid out by a test: a whole second, long ago. */
const LONG_AGO = 1_500_000_000

/** A root folder and the journal's database, which outlives crashed processes. */
export interface World {
  root: string
  path (name: string): string
  journal (disk?: JournalDisk, clock?: Clock): Journal
  /** What a crash does to a process: nothing more reaches the database. */
  crash (): void
  lay (files: Record<string, string>): void
  /** Everything below the root: content and time of files, text of links, directories. */
  tree (): Record<string, string>
  /** Contents of all files, sorted: in place, in the trash, anywhere. */
  contents (): string[]
  database (): Database
}

export function createWorld (root: string): World {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  let db: Database = new Sqlite(':memory:')
  let crashed = false

  function state (): StateDatabase {
    if (crashed) {
      db = new Sqlite(snapshot)
      crashed = false
    }
    const same = db
    return {
      db,
      migrate: (owner, steps) => { migrateOnce(same, owner, steps) },
      durably: async (work) => work(),
      withoutWaiting: (work) => work(),
      shortenLog: () => undefined,
      close: () => undefined
    }
  }
  let snapshot: Buffer = Buffer.alloc(0)

  return {
    root,
    path: (name) => join(root, name),
    journal: (disk = nodeDisk, clock = Date) => createJournal({ state: state(), logger: quiet, disk, clock, roots: () => [{ path: root }] }),
    crash: () => {
      snapshot = db.serialize()
      db.close()
      crashed = true
    },
    lay: (files) => {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(root, name)), { recursive: true })
        writeFileSync(join(root, name), content)
        utimesSync(join(root, name), LONG_AGO, LONG_AGO + content.length)
      }
    },
    tree: () => readTree(root, ''),
    contents: () => Object.entries(readTree(root, ''))
      .filter(([name, what]) => what.startsWith('file ') && !name.endsWith('manifest.json'))
      .map(([, what]) => what).sort(),
    database: () => db
  }
}

function migrateOnce (db: Database, owner: string, steps: readonly string[]): void {
  db.exec('CREATE TABLE IF NOT EXISTS migrations (owner TEXT, step INTEGER)')
  const done = Number(db.prepare('SELECT count(*) FROM migrations WHERE owner = ?').pluck().get(owner))
  steps.slice(done).forEach((step, index) => {
    db.exec(step)
    db.prepare('INSERT INTO migrations VALUES (?, ?)').run(owner, done + index)
  })
}

export function readTree (root: string, folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(join(root, folder)).sort()) {
    const path = join(folder, name)
    const stat = lstatSync(join(root, path))
    if (stat.isDirectory()) {
      found[path] = 'directory'
      Object.assign(found, readTree(root, path))
    } else if (stat.isSymbolicLink()) {
      found[path] = `link ${readlinkSync(join(root, path))}`
    } else {
      const time = stat.mtimeMs < (LONG_AGO + 1e8) * 1000 ? Math.round(stat.mtimeMs) : 'new'
      const content = readFileSync(join(root, path), 'utf8')
      found[path] = `file ${time} ${content.length > 200 ? `${content.slice(0, 50)}… ${content.length}` : content}`
    }
  }
  return found
}

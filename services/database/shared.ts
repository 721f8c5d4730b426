import { existsSync, statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { findDamage, isCorruption, openDatabase } from './open.ts'
import { setAside } from './set-aside.ts'
import type { Logger } from '../logger.ts'

/** Columns of a table that other programs read and write too: name → declaration. */
export type Columns = Readonly<Record<string, string>>

/**
 * Opens a database that other programs of the family use in turns. One that is damaged is set aside, never wiped;
 * `prepare` makes tables that are missing.
 */
export function openSharedDatabase (file: string, prepare: (db: Database) => void, logger: Pick<Logger, 'error'>): Database {
  const damage = existsSync(file) ? damageOf(file) : null
  if (damage !== null) logger.error({ file, aside: setAside(file, 'corrupt'), damage }, 'a database that other programs share is damaged; it was set aside')
  const db = openDatabase(file)
  try {
    prepare(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function damageOf (file: string): string | null {
  if (statSync(file).size === 0) return null
  let db: Database | undefined
  try {
    db = openDatabase(file, { readonly: true })
    return findDamage(db, db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").pluck().all() as string[])
  } catch (error) {
    if (isCorruption(error)) return (error as Error).message
    throw error
  } finally {
    db?.close()
  }
}

/** Adds what older files lack. A column that has no default must not be declared NOT NULL. */
export function ensureColumns (db: Database, table: string, columns: Columns): void {
  const present = new Set((db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name))
  for (const [name, declaration] of Object.entries(columns)) {
    if (!present.has(name)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${declaration}`)
  }
}

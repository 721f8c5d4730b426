import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { closeCacheDatabase, openCacheDatabase, type CacheSchema } from '../database/cache.ts'
import { createShortLog } from '../database/short-log.ts'
import type { Logger } from '../logger.ts'
import { modelCacheSchema } from './store-schema.ts'

/** The caches of libraries, one connection per library however many model types use it. */
export interface CacheShelf {
  open (library: string): { db: Database, shortenLog (): void, release (): void }
  close (): void
}

export interface CacheShelfOptions {
  settingsDirectory: string
  /** False: rows live in a temporary folder and end with the process. */
  persistent: boolean
  /** What the caches hold; models by default. */
  schema?: CacheSchema
  logger: Logger
}

export function createCacheShelf ({ settingsDirectory, persistent, schema = modelCacheSchema, logger }: CacheShelfOptions): CacheShelf {
  const directory = persistent ? settingsDirectory : mkdtempSync(join(tmpdir(), 'modelshelf-'))
  const shelf = new Map<string, { db: Database, shortenLog (): void, users: number }>()

  function place (library: string): { db: Database, shortenLog (): void, users: number } {
    const db = openCacheDatabase(directory, library, schema, logger)
    return { db, shortenLog: createShortLog(db, logger), users: 0 }
  }

  return {
    open (library) {
      const mine = shelf.get(library) ?? place(library)
      shelf.set(library, mine)
      mine.users++
      let released = false
      return {
        db: mine.db,
        shortenLog: mine.shortenLog,
        release () {
          if (released) return
          released = true
          if (--mine.users > 0) return
          shelf.delete(library)
          closeCacheDatabase(mine.db)
        }
      }
    },
    close () {
      for (const { db } of shelf.values()) closeCacheDatabase(db)
      shelf.clear()
      if (!persistent) rmSync(directory, { recursive: true, force: true })
    }
  }
}

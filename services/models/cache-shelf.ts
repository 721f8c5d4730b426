import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { closeCacheDatabase, openCacheDatabase, type CacheSchema } from '../database/cache.ts'
import type { Logger } from '../logger.ts'
import { modelCacheSchema } from './store-schema.ts'

/** The caches of libraries, one connection per library however many model types use it. */
export interface CacheShelf {
  open (library: string): { db: Database, release (): void }
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
  const shelf = new Map<string, { db: Database, users: number }>()
  return {
    open (library) {
      const place = shelf.get(library) ?? { db: openCacheDatabase(directory, library, schema, logger), users: 0 }
      shelf.set(library, place)
      place.users++
      let released = false
      return {
        db: place.db,
        release () {
          if (released) return
          released = true
          if (--place.users > 0) return
          shelf.delete(library)
          closeCacheDatabase(place.db)
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

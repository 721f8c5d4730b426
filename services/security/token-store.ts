import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { StateDatabase } from '../database/types.ts'

/** The one access token of a server that listens beyond loopback. Only its hash is stored. */
export interface TokenStore {
  exists (): boolean
  /** Makes a new token, which takes the place of the former one; the only time its text is seen. */
  issue (): string
  /** In constant time. */
  verify (candidate: string): boolean
}

const MIGRATIONS = ['CREATE TABLE access_token (id INTEGER PRIMARY KEY CHECK (id = 1), hash BLOB NOT NULL, created_at TEXT NOT NULL)']

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()

export function createTokenStore (state: StateDatabase): TokenStore {
  state.migrate('access-token', MIGRATIONS)
  // Read anew each time: the command line may have replaced the token from another process.
  const stored = state.db.prepare<[], Buffer>('SELECT hash FROM access_token WHERE id = 1').pluck()
  const replace = state.db.prepare('INSERT OR REPLACE INTO access_token (id, hash, created_at) VALUES (1, ?, ?)')

  return {
    exists: () => stored.get() !== undefined,
    issue () {
      const token = randomBytes(32).toString('base64url')
      replace.run(hashOf(token), new Date().toISOString())
      return token
    },
    verify (candidate) {
      const hash = stored.get()
      return hash !== undefined && timingSafeEqual(hashOf(candidate), hash)
    }
  }
}

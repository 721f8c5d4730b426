import type { Database } from 'better-sqlite3'
import type { StateDatabase } from '../database/types.ts'

/** Identity of a file's bytes at a moment. */
export interface HashedFile { path: string, size: number, mtimeMs: number, dev: number, ino: number }
/** `autov3` is null while the file's own one was not computed. */
export interface LedgerHash { sha256: string, autov3: string | null }

/** Every hash that was ever completed, so that none is computed again: not after the cache was rebuilt, not after a rename. */
export interface HashLedger {
  find (file: HashedFile): LedgerHash | undefined
  put (file: HashedFile, hash: LedgerHash): void
  /**
   * Commits what the work puts at once and without waiting for the disk: for hashes of files that only moved, which
   * a power cut may take back.
   */
  together<T> (work: () => T): T
}

const steps = [
  `CREATE TABLE hash_ledger (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime REAL NOT NULL, dev REAL NOT NULL, inode REAL NOT NULL, sha256 TEXT NOT NULL, autov3 TEXT
  ) WITHOUT ROWID;
  CREATE INDEX hash_ledger_inode ON hash_ledger (inode, mtime)`
]

export function migrateHashLedger (state: StateDatabase): void {
  state.migrate('hash-ledger', steps)
}

/** Over any connection to the state database; only the main thread's one writes. */
export function createHashLedger (db: Database): HashLedger {
  const byPath = db.prepare('SELECT sha256, autov3 FROM hash_ledger WHERE path = ? AND size = ? AND mtime = ?')
  const byInode = db.prepare('SELECT sha256, autov3 FROM hash_ledger WHERE inode = ? AND mtime = ? AND size = ? AND dev = ?')
  const insert = db.readonly
    ? null
    : db.prepare('INSERT OR REPLACE INTO hash_ledger (path, size, mtime, dev, inode, sha256, autov3) VALUES (?, ?, ?, ?, ?, ?, ?)')
  const first = db.prepare('SELECT 1 FROM hash_ledger LIMIT 1')
  let empty = first.get() === undefined
  return {
    find: (file) => empty ? undefined : (byPath.get(file.path, file.size, file.mtimeMs) ?? byInode.get(file.ino, file.mtimeMs, file.size, file.dev)) as LedgerHash | undefined,
    put (file, hash) {
      empty = false
      insert?.run(file.path, file.size, file.mtimeMs, file.dev, file.ino, hash.sha256, hash.autov3)
    },
    together (work) {
      const before = Number(db.pragma('synchronous', { simple: true }))
      db.pragma('synchronous = normal')
      try {
        return db.transaction(work)()
      } finally {
        db.pragma(`synchronous = ${before}`)
      }
    }
  }
}

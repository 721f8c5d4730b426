import type { CacheSchema } from '../database/cache.ts'

/**
 * Columns as they are written. `packed` is the entry itself; columns beside it are those that rows are found by, and those that say
 * what the files looked like when the row was made: a difference makes a scan read them again. `kept` is 0 while the sidecar's
 * bytes are still to be taken in.
 */
export const written = [
  'type', 'root_id', 'file_path', 'preview_url', 'sha256', 'autov3', 'hash_status', 'modified',
  'file_size', 'file_mtime', 'file_inode', 'file_dev', 'sidecar_size', 'sidecar_mtime', 'info_mtime', 'preview_size', 'preview_mtime', 'bare', 'due', 'kept', 'packed'
] as const

/** Raised with every change below or in what a row means: the cache is then rebuilt. */
const VERSION = 3

export const modelCacheSchema: CacheSchema = {
  version: VERSION,
  checked: ['models', 'vanished', 'root_states'],
  create: `
    CREATE TABLE models (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      type TEXT NOT NULL, root_id TEXT NOT NULL, file_path TEXT NOT NULL, preview_url TEXT NOT NULL,
      sha256 TEXT NOT NULL, autov3 TEXT, hash_status TEXT NOT NULL, modified REAL NOT NULL,
      file_size INTEGER NOT NULL, file_mtime REAL NOT NULL, file_inode REAL NOT NULL, file_dev REAL NOT NULL,
      sidecar_size INTEGER, sidecar_mtime REAL, info_mtime REAL, preview_size INTEGER, preview_mtime REAL,
      bare INTEGER NOT NULL, due INTEGER NOT NULL, kept INTEGER NOT NULL, packed TEXT NOT NULL
    );
    CREATE UNIQUE INDEX models_path ON models (type, file_path);
    CREATE INDEX models_unhashed ON models (type) WHERE sha256 = '';
    CREATE INDEX models_due ON models (type) WHERE due = 1;
    CREATE INDEX models_bare ON models (sha256) WHERE bare = 1;
    CREATE INDEX models_unkept ON models (type) WHERE kept = 0;
    CREATE TABLE sidecars (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE vanished (
      id INTEGER PRIMARY KEY, type TEXT NOT NULL, sha256 TEXT NOT NULL, file_path TEXT NOT NULL, bytes BLOB NOT NULL, vanished_at REAL NOT NULL
    );
    CREATE INDEX vanished_hash ON vanished (sha256);
    CREATE TABLE name_orders (type TEXT PRIMARY KEY, ids BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE root_states (
      id TEXT PRIMARY KEY, type TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, models INTEGER NOT NULL,
      last_reconcile TEXT, last_duration_ms REAL, bytes_hashed INTEGER NOT NULL, read_only INTEGER NOT NULL
    ) WITHOUT ROWID;`
}

import type { Database } from 'better-sqlite3'
import type { StateDatabase } from '../database/types.ts'
import type { ModelTypeName } from './types.ts'

/** Sizes and times are compared by equality only. */
interface FileState { size: number, mtimeMs: number }

/** What an overlay was made on: for another model file, or once the sidecar was written by someone, it counts no longer. */
export interface OverlayBase {
  file: FileState
  /** null: there was no sidecar. */
  sidecar: FileState | null
}

/**
 * Sidecars that were edited where no file can be written (read-only disks, folders of others). They are user state:
 * kept in the state database by type and path, and taken instead of the missing or older file.
 */
export interface SidecarOverlay {
  find (type: ModelTypeName, path: string, base: OverlayBase): Buffer | undefined
  put (type: ModelTypeName, path: string, base: OverlayBase, document: string): void
  relocate (type: ModelTypeName, from: string, to: string): void
  remove (type: ModelTypeName, path: string): void
}

const steps = [
  `CREATE TABLE sidecar_overlay (
    type TEXT NOT NULL, path TEXT NOT NULL, file_size INTEGER NOT NULL, file_mtime REAL NOT NULL,
    sidecar_size INTEGER, sidecar_mtime REAL, document BLOB NOT NULL, edited_at TEXT NOT NULL, PRIMARY KEY (type, path)
  ) WITHOUT ROWID`
]

export function migrateSidecarOverlay (state: StateDatabase): void {
  state.migrate('sidecar-overlay', steps)
}

/** Over any connection to the state database; only the main thread's one writes. */
export function createSidecarOverlay (db: Database): SidecarOverlay {
  const read = db.prepare(`SELECT document FROM sidecar_overlay WHERE type = ? AND path = ? AND file_size = ? AND file_mtime = ?
    AND sidecar_size IS ? AND sidecar_mtime IS ?`).pluck()
  const some = db.prepare('SELECT 1 FROM sidecar_overlay LIMIT 1')
  const write = db.prepare('INSERT OR REPLACE INTO sidecar_overlay (type, path, file_size, file_mtime, sidecar_size, sidecar_mtime, document, edited_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const move = db.prepare('UPDATE OR REPLACE sidecar_overlay SET path = ? WHERE type = ? AND path = ?')
  const drop = db.prepare('DELETE FROM sidecar_overlay WHERE type = ? AND path = ?')
  // Almost always there is none, and a scan asks for every file; what is edited while it runs is described anew afterwards.
  const empty = db.readonly && some.get() === undefined
  return {
    find: (type, path, { file, sidecar }) => empty
      ? undefined
      : read.get(type, path, file.size, file.mtimeMs, sidecar?.size ?? null, sidecar?.mtimeMs ?? null) as Buffer | undefined,
    put (type, path, { file, sidecar }, document) {
      write.run(type, path, file.size, file.mtimeMs, sidecar?.size ?? null, sidecar?.mtimeMs ?? null, Buffer.from(document), new Date().toISOString())
    },
    relocate (type, from, to) { move.run(to, type, from) },
    remove (type, path) { drop.run(type, path) }
  }
}

import { existsSync, readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { StateDatabase } from '../database/types.ts'

/** What is known of a file that is not complete yet. */
export interface PartRow {
  /** Absolute path of the `.part` file. */
  part: string
  /** Id of the download that it belongs to. */
  download: string
  /** Which file of which provider it is; another one never goes on with it. */
  identity: string
  /** Address without its query, for people. */
  url: string
  etag: string | null
  last_modified: string | null
  /** Bytes of the whole file, null while unknown. */
  total: number | null
  /** Lower-case hex that the provider promises, or null. */
  sha256: string | null
  /** Bytes that were on the disk for certain when this was written. */
  synced: number
  /** Names the run of the machine: what was written since its start is still in its memory after a killed process. */
  boot: string
}

export interface PartStore {
  /** Of this run of the machine. */
  readonly boot: string
  find (part: string): PartRow | undefined
  ofDownload (download: string): PartRow[]
  save (row: Omit<PartRow, 'boot'>): void
  /** After the data reached the disk. Losing this in a power cut costs bytes to load again, never correctness. */
  synced (part: string, length: number): void
  remove (part: string): void
}

const steps = [
  `CREATE TABLE download_parts (part TEXT PRIMARY KEY, download TEXT NOT NULL, identity TEXT NOT NULL, url TEXT NOT NULL, etag TEXT, last_modified TEXT,
    total INTEGER, sha256 TEXT, synced INTEGER NOT NULL, boot TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX download_parts_download ON download_parts (download)`
]

export function createPartStore (state: StateDatabase, boot: string = bootId()): PartStore {
  state.migrate('download-parts', steps)
  const { db } = state
  const find = db.prepare('SELECT * FROM download_parts WHERE part = ?')
  const ofDownload = db.prepare('SELECT * FROM download_parts WHERE download = ?')
  const save = db.prepare(`INSERT OR REPLACE INTO download_parts (part, download, identity, url, etag, last_modified, total, sha256, synced, boot)
    VALUES (@part, @download, @identity, @url, @etag, @last_modified, @total, @sha256, @synced, @boot)`)
  const synced = db.prepare('UPDATE download_parts SET synced = ?, boot = ? WHERE part = ?')
  const remove = db.prepare('DELETE FROM download_parts WHERE part = ?')
  return {
    boot,
    find: (part) => find.get(part) as PartRow | undefined,
    ofDownload: (download) => ofDownload.all(download) as PartRow[],
    save (row) { save.run({ ...row, boot }) },
    synced (part, length) {
      // Waiting for the disk here would hold up requests while it is busy with the very download.
      db.pragma('synchronous = normal')
      try {
        synced.run(length, boot, part)
      } finally {
        db.pragma('synchronous = full')
      }
    },
    remove (part) { remove.run(part) }
  }
}

const BOOT_FILE = '/proc/sys/kernel/random/boot_id'

/** Where the kernel gives no name, the time of the start in steps that are coarser than its measuring error. */
function bootId (): string {
  if (existsSync(BOOT_FILE)) return readFileSync(BOOT_FILE, 'latin1').trim()
  return `start-${Math.round((Date.now() / 1000 - uptime()) / 60)}`
}

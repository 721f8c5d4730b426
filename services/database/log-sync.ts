import { close, fdatasync, open } from 'node:fs'
import { promisify } from 'node:util'
import type { Database } from 'better-sqlite3'

const sync = promisify(fdatasync)

/** Makes commits durable outside of the thread that committed them: a slow disk then holds up no request. */
export interface LogSync {
  /** Runs work that commits; durable when it resolves. What was committed before without waiting is durable then, too. */
  durably<T> (work: () => T): Promise<T>
  /** Commits without waiting for the disk: a power cut may take it back, but never while it keeps what was committed later. */
  withoutWaiting<T> (work: () => T): T
  close (): void
}

/**
 * Syncs the write-ahead log through a descriptor of its own, which is what the database would do after each commit. Without
 * such a log (network mounts) each commit waits for itself.
 */
export function createLogSync (db: Database): LogSync {
  const log = db.pragma('journal_mode', { simple: true }) === 'wal' ? `${db.name}-wal` : null
  let descriptor: Promise<number> | undefined

  function withoutWaiting<T> (work: () => T): T {
    const before = Number(db.pragma('synchronous', { simple: true }))
    db.pragma('synchronous = normal')
    try {
      return work()
    } finally {
      db.pragma(`synchronous = ${before}`)
    }
  }

  return {
    withoutWaiting,
    async durably (work) {
      if (log === null) return work()
      const result = withoutWaiting(work)
      // The log stays the same file for as long as this connection is open.
      await sync(await (descriptor ??= promisify(open)(log, 'r')))
      return result
    },
    close () {
      descriptor?.then((opened) => { close(opened) }, () => undefined)
    }
  }
}

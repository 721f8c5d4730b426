import { stat } from 'node:fs/promises'
import type { Database } from 'better-sqlite3'
import type { Logger } from '../logger.ts'
import { startWorker } from '../workers/start-worker.ts'

/** Bytes of the log from which it is merged, and pages after which a commit does it itself if nobody else could. */
const LONG_BYTES = 8 * 1024 * 1024
const EMERGENCY_PAGES = 20_000
const entry = new URL('./checkpoint.worker', import.meta.url)

/**
 * Leaves merging the write-ahead log of a database into its file to a thread: megabytes to write and to sync, which would
 * else fall upon whichever commit comes at the time. To be called now and then when much was written.
 */
export function createShortLog (db: Database, logger: Pick<Logger, 'warn'>): () => void {
  if (db.pragma('journal_mode', { simple: true }) !== 'wal') return () => undefined
  db.pragma(`wal_autocheckpoint = ${EMERGENCY_PAGES}`)
  // A log that is begun anew keeps its length, and would look long for ever.
  db.pragma(`journal_size_limit = ${LONG_BYTES / 2}`)
  let busy = false

  async function merge (): Promise<void> {
    const { size } = await stat(`${db.name}-wal`)
    if (size < LONG_BYTES || !db.open) return
    const worker = startWorker(entry, { workerData: { file: db.name } })
    worker.unref()
    await new Promise<void>((resolve, reject) => { worker.once('exit', () => { resolve() }).once('error', reject) })
  }

  return () => {
    if (busy) return
    busy = true
    merge().catch((error: unknown) => {
      if (db.open) logger.warn({ err: error, file: db.name }, 'the log of a database could not be merged into it')
    }).finally(() => { busy = false })
  }
}

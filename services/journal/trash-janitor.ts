import type { Logger } from '../logger.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { EmptiedTrash, EmptyTrashOptions, Journal } from './types.ts'

export interface TrashJanitorDeps {
  journal: Pick<Journal, 'trash' | 'prune'>
  settings: Pick<SettingsManager, 'get'>
  logger: Logger
  /** Milliseconds between two rounds. */
  everyMs?: number
}

export interface TrashJanitor {
  /** One round now. */
  clean (): Promise<void>
  close (): Promise<void>
}

const HOUR_MS = 60 * 60 * 1000
const GIGABYTE = 1024 ** 3
/** What went to the trash less than this long ago is kept whatever its size: somebody may be about to undo it. */
const ONE_HOUR_IN_DAYS = 1 / 24
const DEFAULT_DAYS = 30
/** Operations whose files are all where they belong stay in the list for this long. */
const OPERATIONS_DAYS = 90

/** Empties the trash by age (`trash_retention_days`) and size (`trash_max_gb`), 0 meaning no limit, and forgets old operations. */
export function startTrashJanitor ({ journal, settings, logger, everyMs = HOUR_MS }: TrashJanitorDeps): TrashJanitor {
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => { clean().catch((error: unknown) => { logger.error({ err: error }, 'the trash could not be tidied') }) }, everyMs)
  timer.unref()

  function limit (key: string, fallback: number): number {
    const value = settings.get(key)
    return typeof value === 'number' && value >= 0 ? value : fallback
  }

  async function empty (options: EmptyTrashOptions): Promise<void> {
    const emptied: EmptiedTrash = await journal.trash.empty(options)
    if (emptied.removed > 0) logger.info({ files: emptied.removed, bytes: emptied.bytes }, 'old files were removed from the trash')
    if (emptied.kept.length > 0) logger.warn({ kept: emptied.kept.slice(0, 20), count: emptied.kept.length }, 'some files in the trash were left where they are')
  }

  async function round (): Promise<void> {
    const days = limit('trash_retention_days', DEFAULT_DAYS)
    const gigabytes = limit('trash_max_gb', 0)
    if (days > 0) await empty({ olderThanDays: days })
    if (gigabytes > 0) await empty({ keepBytes: gigabytes * GIGABYTE, olderThanDays: ONE_HOUR_IN_DAYS })
    journal.prune({ olderThanDays: OPERATIONS_DAYS })
  }

  function clean (): Promise<void> {
    running = running.then(round, round)
    return running
  }

  return {
    clean,
    async close () {
      clearInterval(timer)
      await running.catch((error: unknown) => { logger.error({ err: error }, 'the trash could not be tidied') })
    }
  }
}

import { setPriority } from 'node:os'

/** Enough that a busy thread leaves nine tenths of a shared core to the requests. */
const NICENESS = 10

/**
 * Lets the main thread go before the calling worker thread, for as long as that lives. On Linux alone, where a thread has a
 * priority of its own; elsewhere it would be that of the whole process.
 */
export function giveWay (): void {
  if (process.platform === 'linux') setPriority(NICENESS)
}

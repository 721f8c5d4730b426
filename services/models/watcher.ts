import { watch, type FSWatcher } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isOwnTempName } from '../files/atomic-write.ts'
import type { Logger } from '../logger.ts'

/** Watches the directories of the last scan and tells which of them changed, once they have come to rest. */
export interface Watcher {
  /** Goes on in slices after the call; a later one takes the place of one that is under way. */
  update (directories: readonly string[]): void
  close (): void
}

export interface WatcherOptions {
  onChange (directories: string[]): void
  /** Asked for now and then when the system cannot watch that many directories. */
  onPoll (): void
  logger: Pick<Logger, 'warn'>
  quietMs?: number
  pollMs?: number
}

const QUIET_MS = 2000
/** Told at the latest then, however restless the directories are. */
const LONGEST_MS = 30_000
const POLL_MS = 5 * 60_000
/** Watches are set and taken away for so long in one go, in milliseconds. */
const SLICE_MS = 4

/** One watch per directory, not per file: a library has a thousand directories and a hundred thousand files. */
export function createWatcher ({ onChange, onPoll, logger, quietMs = QUIET_MS, pollMs = POLL_MS }: WatcherOptions): Watcher {
  const watches = new Map<string, FSWatcher>()
  const dirty = new Set<string>()
  let timer: NodeJS.Timeout | null = null
  let poll: NodeJS.Timeout | null = null
  let since = 0
  let updates = 0

  function tell (): void {
    timer = null
    const directories = [...dirty]
    dirty.clear()
    onChange(directories)
  }

  function mark (directory: string): void {
    if (dirty.size === 0) since = performance.now()
    dirty.add(directory)
    if (timer) clearTimeout(timer)
    const rest = Math.max(0, LONGEST_MS - (performance.now() - since))
    timer = setTimeout(tell, Math.min(quietMs, rest))
    timer.unref()
  }

  function giveUp (error: unknown): void {
    closeWatches()
    if (poll) return
    logger.warn({ err: error }, 'the system cannot watch that many folders; they are looked through every few minutes instead')
    poll = setInterval(onPoll, pollMs)
    poll.unref()
  }

  function isExhausted (error: unknown): boolean {
    return ['ENOSPC', 'EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')
  }

  function add (directory: string): void {
    try {
      const handle = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || !isOwnTempName(name)) mark(directory)
      })
      handle.on('error', (error) => {
        if (isExhausted(error)) return giveUp(error)
        drop(directory)
        mark(directory)
      })
      watches.set(directory, handle)
    } catch (error) {
      // otherwise it went away or cannot be read since the scan; its parent's change or the next scan tells
      if (isExhausted(error)) giveUp(error)
    }
  }

  function drop (directory: string): void {
    watches.get(directory)?.close()
    watches.delete(directory)
  }

  function closeWatches (): void {
    for (const directory of [...watches.keys()]) drop(directory)
  }

  async function follow (directories: readonly string[]): Promise<void> {
    const mine = ++updates
    const wanted = new Set(directories)
    let begun = performance.now()
    for (const directory of [...watches.keys(), ...wanted]) {
      if (performance.now() - begun > SLICE_MS) {
        await nextTurn()
        begun = performance.now()
      }
      if (poll || mine !== updates) return
      if (!wanted.has(directory)) drop(directory)
      else if (!watches.has(directory)) add(directory)
    }
  }

  return {
    update (directories) { follow(directories).catch(giveUp) },
    close () {
      updates++
      closeWatches()
      if (timer) clearTimeout(timer)
      if (poll) clearInterval(poll)
    }
  }
}

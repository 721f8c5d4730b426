import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from '../logger.ts'

/** Runs pieces of work strictly one after the other; a failed one does not hold up the next. */
export function createChangeQueue (): <T> (work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const run = last.then(work)
    last = run.catch(() => undefined)
    return run
  }
}

export interface Listeners<T> {
  add (listener: (event: T) => void | Promise<void>): () => void
  /** Tells every listener, one after the other, after those of earlier events. */
  tell (event: T): void
  /** Resolves when all events told so far have been heard; at once for a listener, which would wait for itself. */
  settled (): Promise<void>
}

export function createListeners<T> (logger: Logger): Listeners<T> {
  const known = new Set<(event: T) => void | Promise<void>>()
  const inListener = new AsyncLocalStorage<boolean>()
  const queue = createChangeQueue()
  let last: Promise<void> = Promise.resolve()

  async function hear (event: T): Promise<void> {
    for (const listener of known) {
      try {
        await inListener.run(true, async () => await listener(event))
      } catch (error) {
        logger.error({ err: error }, 'A listener of the settings failed')
      }
    }
  }

  return {
    add (listener) {
      known.add(listener)
      return () => { known.delete(listener) }
    },
    tell (event) { last = queue(async () => await hear(event)) },
    settled: async () => { if (!inListener.getStore()) await last }
  }
}

import { systemClock, type Clock } from '../progress/clock.ts'

/** Time and alarms, so that tests need not wait. */
export interface NetworkClock extends Required<Clock> {
  /** Runs something after so many milliseconds; the answer calls it off. */
  after (milliseconds: number, run: () => void): () => void
}

export const networkClock: NetworkClock = {
  ...systemClock,
  after (milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => { clearTimeout(timer) }
  }
}

/** Ends early with the signal's reason. */
export async function pause (clock: NetworkClock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) throw signal.reason
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(milliseconds, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}

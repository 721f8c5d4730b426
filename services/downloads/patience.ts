import { setTimeout as delay } from 'node:timers/promises'

export interface PatienceOptions {
  /** Tries in a row that bring nothing. */
  tries?: number
  /** Milliseconds before the second try; doubled for each further one. */
  firstMs?: number
}

/** How long one address is tried. */
export interface Patience {
  /** Waits before the next try; false when it is enough. `progressed`: the last try brought some bytes. @throws the signal's reason */
  wait (progressed: boolean, after: number | undefined, signal: AbortSignal): Promise<boolean>
  /** Whether a file that changed while it was loaded may be begun once more. */
  mayChange (): boolean
}

const LONGEST_MS = 60_000
const LONGEST_ASKED_MS = 15 * 60_000
/** A server that breaks off after every few bytes is left in the end. */
const MOST_TRIES = 1000
const MOST_CHANGES = 5

export function createPatience ({ tries = 5, firstMs = 1000 }: PatienceOptions = {}): Patience {
  let inVain = 0
  let all = 0
  let changes = 0
  return {
    async wait (progressed, after, signal) {
      inVain = progressed ? 1 : inVain + 1
      if (inVain >= tries || ++all > MOST_TRIES) return false
      const growing = Math.min(firstMs * 2 ** (inVain - 1), LONGEST_MS) * (0.75 + Math.random() / 2)
      const ms = after === undefined ? growing : Math.min(after * 1000, LONGEST_ASKED_MS)
      await delay(ms, undefined, { signal }).catch((error: unknown) => {
        signal.throwIfAborted()
        throw error
      })
      return true
    },
    mayChange: () => ++changes <= MOST_CHANGES
  }
}

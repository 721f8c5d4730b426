import { DomainError } from '../errors.ts'
import { pause, type NetworkClock } from './clock.ts'
import type { DoorAnswer } from './types.ts'

const MOST_ATTEMPTS = 5
const FIRST_PAUSE_MS = 1000
const passing = new Set(['upstream-failed', 'upstream-unreachable', 'upstream-timeout'])
/** A host that is not there will not be there a second later: whoever waits is told at once. */
const passingForUrgent = new Set(['upstream-failed'])
const passingStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500

/** Repeats what may succeed the next time. A host's own wishes (429, Retry-After) are its budget's business: here only the pauses between tries. */
export async function sendWithRetries (attempts: number, send: () => Promise<DoorAnswer>, { clock, random, signal, urgent }: { clock: NetworkClock, random: () => number, signal: AbortSignal | undefined, urgent: boolean | undefined }): Promise<DoorAnswer> {
  const most = Math.min(MOST_ATTEMPTS, attempts)
  const repeatable = urgent ? passingForUrgent : passing
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await send()
      if (attempt >= most || !passingStatus(answer.status)) return answer
      // The budget holds the next try back for as long as the host wants.
      if (answer.status === 429) continue
    } catch (error) {
      if (attempt >= most || !(error instanceof DomainError) || !repeatable.has(error.code)) throw error
    }
    await pause(clock, FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + random()), signal)
  }
}

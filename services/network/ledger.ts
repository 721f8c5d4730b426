import type { Clock } from '../progress/clock.ts'
import type { Counters } from './types.ts'

/** What each destination was asked since the start. */
export interface Ledger {
  count (destination: string, what: keyof Counters, amount?: number): void
  of (destination: string): { counters: Counters, lastRequestAt: string | null }
}

export function createLedger (clock: Clock): Ledger {
  const accounts = new Map<string, { counters: Counters, lastRequest: number | null }>()

  function account (destination: string) {
    const known = accounts.get(destination) ?? { counters: { requests: 0, succeeded: 0, failed: 0, rate_limited: 0, bytes: 0 }, lastRequest: null }
    accounts.set(destination, known)
    return known
  }

  return {
    count (destination, what, amount = 1) {
      const entry = account(destination)
      entry.counters[what] += amount
      if (what === 'requests') entry.lastRequest = clock.now()
    },
    of (destination) {
      const { counters, lastRequest } = account(destination)
      return { counters: { ...counters }, lastRequestAt: lastRequest === null ? null : new Date(lastRequest).toISOString() }
    }
  }
}

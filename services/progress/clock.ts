import { performance } from 'node:perf_hooks'

/** Time as a dependency. `Date` itself fits where only dates are needed. */
export interface Clock {
  /** Milliseconds since 1970, for dates. */
  now (): number
  /** Milliseconds that never jump, for durations; made from `now` when a test gives none. */
  monotonic? (): number
}

export const systemClock: Required<Clock> = {
  now: () => Date.now(),
  monotonic: () => performance.now()
}

/** ISO 8601 UTC. */
export function isoTime (clock: Clock): string {
  return new Date(clock.now()).toISOString()
}

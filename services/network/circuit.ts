import { DomainError } from '../errors.ts'
import type { NetworkClock } from './clock.ts'

const FIRST_MS = 30_000
const LONGEST_MS = 300_000
/** A host that is merely slow deserves more patience than one that can't be reached. */
const thresholds = { unreachable: 3, timeout: 6 }

export interface Circuit {
  /** @throws DomainError `host-offline` while the host rests; what someone waits for is always tried */
  check (urgent: boolean): void
  /** `since`: monotonic time when the request began. */
  report (outcome: 'reached' | 'unreachable' | 'timeout', since: number): void
  /** Milliseconds until requests go out again, 0 when they do. */
  restLeft (): number
}

/** Spares a host that can't be reached, and those who would wait for it. */
export function createCircuit ({ host, clock }: { host: string, clock: NetworkClock }): Circuit {
  const failures = { unreachable: 0, timeout: 0 }
  let lastFailure = -Infinity
  let restsUntil = -Infinity
  const restLeft = (): number => Math.max(0, restsUntil - clock.monotonic())

  return {
    check (urgent) {
      const left = restLeft()
      if (urgent || left === 0) return
      throw new DomainError('unavailable', 'host-offline', `${host} can not be reached; it counts as offline and is asked again later`, { retry_after: Math.ceil(left / 1000) })
    },
    report (outcome, since) {
      if (outcome === 'reached') {
        failures.unreachable = failures.timeout = 0
        restsUntil = -Infinity
        return
      }
      // Requests that were under way together fail together, which is one failure.
      if (since < lastFailure) return
      lastFailure = clock.monotonic()
      const beyond = ++failures[outcome] - thresholds[outcome]
      if (beyond >= 0) restsUntil = clock.monotonic() + Math.min(LONGEST_MS, FIRST_MS * 2 ** beyond)
    },
    restLeft
  }
}

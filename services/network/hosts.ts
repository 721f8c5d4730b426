import { createBudget, defaultLimits, type Budget } from './budget.ts'
import { createCircuit, type Circuit } from './circuit.ts'
import type { NetworkClock } from './clock.ts'
import type { BudgetLimits, HostStatus } from './types.ts'

export interface Host { origin: string, budget: Budget, circuit: Circuit }

export interface Hosts {
  of (origin: string): Host
  status (): HostStatus[]
}

/** Users and remote documents name any number of hosts; those that nothing is known of are forgotten. */
const MOST_REMEMBERED = 200

/** Budget and circuit of every host, made at the first request to it. */
export function createHosts ({ clock, random, limitsFor }: { clock: NetworkClock, random: () => number, limitsFor: (origin: string) => Partial<BudgetLimits> | undefined }): Hosts {
  const hosts = new Map<string, Host>()

  function forget (): void {
    for (const [origin, { budget, circuit }] of hosts) {
      if (hosts.size <= MOST_REMEMBERED) return
      if (budget.idle() && circuit.restLeft() === 0) hosts.delete(origin)
    }
  }

  return {
    of (origin) {
      const known = hosts.get(origin)
      if (known) return known
      const { hostname } = new URL(origin)
      const host: Host = {
        origin,
        budget: createBudget({ host: hostname, limits: { ...defaultLimits, ...limitsFor(origin) }, clock, random }),
        circuit: createCircuit({ host: hostname, clock })
      }
      hosts.set(origin, host)
      forget()
      return host
    },
    status: () => [...hosts.values()].map(({ origin, budget, circuit }) => {
      const { rate, limit, active, waiting, pausedUntil } = budget.state()
      const rest = circuit.restLeft()
      return {
        origin,
        rate: Math.round(rate * 100) / 100,
        rate_limit: limit,
        active,
        waiting,
        paused_until: pausedUntil === null ? null : new Date(pausedUntil).toISOString(),
        unreachable_until: rest === 0 ? null : new Date(clock.now() + rest).toISOString()
      }
    })
  }
}

import { DomainError } from '../errors.ts'
import type { NetworkClock } from './clock.ts'
import type { BudgetLimits } from './types.ts'

export type Lane = 'calls' | 'transfers'

export const defaultLimits: BudgetLimits = { perSecond: 10, burst: 10, calls: 6, transfers: 8 }

const LOWEST_RATE = 0.1
/** Of the limit, for each answer that was no refusal: from half to full in a hundred. */
const RECOVERY = 0.005
const FIRST_PAUSE_MS = 1500
const LONGEST_GUESS_MS = 30_000
const MOST_WAITING = 20_000

export interface TurnRequest { lane: Lane, urgent: boolean, patienceMs: number, signal?: AbortSignal | undefined }

/** The right to one request; given back when its answer is over. */
export interface Turn { readonly since: number, release (): void }

interface Waiter extends TurnRequest { grant (turn: Turn): void, refuse (error: unknown): void }

export interface Budget {
  /** @throws DomainError `rate-limited` when the host wants to be left alone for longer than the patience; the signal's reason */
  take (request: TurnRequest): Promise<Turn>
  /** What the host answered to the request of a turn. */
  report (turn: Turn, status: number, retryAfterSeconds: number | undefined): void
  state (): { rate: number, limit: number, active: Record<Lane, number>, waiting: number, pausedUntil: number | null }
  /** Nothing is under way and nothing is remembered that would be lost with it. */
  idle (): boolean
}

export interface BudgetDeps { host: string, limits: BudgetLimits, clock: NetworkClock, random: () => number }

/** How much one host is asked: slots, a rate that it can lower, and pauses that it can order. Shared by all who ask it. */
export function createBudget ({ host, limits, clock, random }: BudgetDeps): Budget {
  const waiting: Waiter[] = []
  const active: Record<Lane, number> = { calls: 0, transfers: 0 }
  let rate = limits.perSecond
  let tokens = limits.burst
  let refilled = clock.monotonic()
  let pausedUntil = 0
  let slowedAt = -Infinity
  let refusals = 0
  let cancelAlarm: (() => void) | null = null

  function refill (): void {
    const now = clock.monotonic()
    tokens = Math.min(limits.burst, tokens + (now - refilled) / 1000 * rate)
    refilled = now
  }

  const pauseLeft = (): number => Math.max(0, pausedUntil - clock.monotonic())

  function pump (): void {
    cancelAlarm?.()
    cancelAlarm = null
    refill()
    while (waiting.length > 0) {
      const next = waiting.findIndex(({ lane }) => active[lane] < limits[lane])
      if (next < 0) return
      const delay = Math.max(pauseLeft(), tokens >= 1 ? 0 : (1 - tokens) / rate * 1000)
      if (delay > 0) {
        cancelAlarm = clock.after(Math.ceil(delay), pump)
        return
      }
      const [waiter] = waiting.splice(next, 1)
      if (waiter) waiter.grant(turnFor(waiter.lane))
    }
  }

  function turnFor (lane: Lane): Turn {
    tokens -= 1
    active[lane]++
    let held = true
    return {
      since: clock.monotonic(),
      release () {
        if (!held) return
        held = false
        active[lane]--
        pump()
      }
    }
  }

  function tooLong ({ patienceMs }: TurnRequest): DomainError | null {
    const left = pauseLeft()
    if (left <= patienceMs) return null
    const seconds = Math.ceil(left / 1000)
    return new DomainError('unavailable', 'rate-limited', `${host} is Rate limited: it wants to be asked again in ${seconds} seconds`, { retry_after: seconds })
  }

  function slowDown (turn: Turn): void {
    // Answers to what was sent before the last slow-down tell nothing new.
    if (turn.since < slowedAt) return
    refill()
    rate = Math.max(Math.min(LOWEST_RATE, limits.perSecond), rate / 2)
    tokens = Math.min(tokens, 1)
    slowedAt = clock.monotonic()
  }

  function pauseFor (milliseconds: number): void {
    pausedUntil = Math.max(pausedUntil, clock.monotonic() + milliseconds)
    for (const waiter of waiting.slice()) {
      const refusal = tooLong(waiter)
      if (refusal) waiter.refuse(refusal)
    }
  }

  return {
    async take (request) {
      if (request.signal?.aborted) throw request.signal.reason
      const refusal = tooLong(request)
      if (refusal) throw refusal
      if (waiting.length >= MOST_WAITING) throw new DomainError('unavailable', 'host-busy', `Too many requests to ${host} are waiting`)
      return await new Promise<Turn>((resolve, reject) => {
        const stop = (): void => { waiter.refuse(request.signal?.reason) }
        const waiter: Waiter = {
          ...request,
          grant (turn) {
            request.signal?.removeEventListener('abort', stop)
            resolve(turn)
          },
          refuse (error) {
            request.signal?.removeEventListener('abort', stop)
            const at = waiting.indexOf(waiter)
            if (at >= 0) waiting.splice(at, 1)
            reject(error)
          }
        }
        request.signal?.addEventListener('abort', stop, { once: true })
        const place = request.urgent ? waiting.findIndex(({ urgent }) => !urgent) : -1
        waiting.splice(place < 0 ? waiting.length : place, 0, waiter)
        pump()
      })
    },
    report (turn, status, retryAfterSeconds) {
      if (status === 429) {
        if (turn.since >= slowedAt) refusals++
        slowDown(turn)
        const guess = Math.min(LONGEST_GUESS_MS, FIRST_PAUSE_MS * 2 ** (refusals - 1) * (0.8 + 0.4 * random()))
        pauseFor(retryAfterSeconds === undefined ? guess : retryAfterSeconds * 1000)
      } else if (status === 503) {
        slowDown(turn)
        if (retryAfterSeconds !== undefined) pauseFor(retryAfterSeconds * 1000)
      } else if (status < 500 && turn.since >= slowedAt) {
        refusals = 0
        refill()
        rate = Math.min(limits.perSecond, rate + limits.perSecond * RECOVERY)
      }
      pump()
    },
    state: () => ({ rate, limit: limits.perSecond, active: { ...active }, waiting: waiting.length, pausedUntil: pauseLeft() > 0 ? clock.now() + pauseLeft() : null }),
    idle: () => active.calls + active.transfers + waiting.length === 0 && pauseLeft() === 0 && rate >= limits.perSecond
  }
}

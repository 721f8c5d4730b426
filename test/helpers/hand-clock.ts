import type { NetworkClock } from '../../services/network/clock.ts'

export interface HandClock extends NetworkClock {
  /** Moves time on and runs what falls due, in order. */
  advance (milliseconds: number): void
  /** Runs alarms at once instead of waiting for `advance`; time moves to each. */
  rush: boolean
}

/** A clock that moves by hand. */
export function handClock (start = Date.parse('2026-01-01T00:00:00Z')): HandClock {
  let elapsed = 0
  let alarms: { at: number, run: () => void }[] = []

  const clock: HandClock = {
    rush: false,
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after (milliseconds, run) {
      const alarm = { at: elapsed + milliseconds, run }
      alarms.push(alarm)
      if (clock.rush) setImmediate(() => { if (alarms.includes(alarm)) clock.advance(Math.max(0, alarm.at - elapsed)) })
      return () => { alarms = alarms.filter((other) => other !== alarm) }
    },
    advance (milliseconds) {
      const end = elapsed + milliseconds
      for (;;) {
        const next = alarms.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0]
        if (!next) break
        alarms = alarms.filter((alarm) => alarm !== next)
        elapsed = Math.max(elapsed, next.at)
        next.run()
      }
      elapsed = end
    }
  }
  return clock
}

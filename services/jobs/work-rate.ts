const WINDOW_MS = 10_000
const SAMPLE_EVERY_MS = 250

/** Units per second over the last ten seconds of work. */
export interface WorkRate {
  /** Notes how much is done at a (monotonic) time in milliseconds. */
  sample (at: number, done: number): void
  /** Null until two samples show progress. */
  perSecond (): number | null
  /** Forgets the past: a pause is not slow work. */
  reset (): void
}

export function createWorkRate (): WorkRate {
  let samples: { at: number, done: number }[] = []
  let newest: { at: number, done: number } | null = null

  return {
    sample (at, done) {
      newest = { at, done }
      const last = samples.at(-1)
      if (last && done < last.done) samples = []
      if (last && at - last.at < SAMPLE_EVERY_MS && samples.length > 0) return
      samples.push(newest)
      while (samples.length > 2 && at - (samples[0]?.at ?? at) > WINDOW_MS) samples.shift()
    },
    perSecond () {
      const first = samples[0]
      if (!first || !newest || newest.at <= first.at || newest.done <= first.done) return null
      return Math.round((newest.done - first.done) / (newest.at - first.at) * 1e6) / 1000
    },
    reset () {
      samples = []
      newest = null
    }
  }
}

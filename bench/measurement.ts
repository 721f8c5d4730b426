/** One figure. Times are milliseconds, ratios have no unit. */
export interface Measurement {
  part: string
  /** What was measured, in a few words; the row of the table. */
  name: string
  /** Size of the library, or null where it does not matter. */
  models: number | null
  value: number
  unit: 'ms' | 'ratio' | 'MB' | 'per second' | 'MB/s'
  /** The figure to reach, and whether the value shall be at most or at least that. */
  goal?: { bound: 'most' | 'least', value: number }
  /** The reference measured in the same run, or how it was measured. */
  note?: string
  /** ISO 8601 UTC; given when it is kept. */
  measured_at?: string
}

export function percentile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  if (value === undefined) throw new RangeError('no values to take a percentile of')
  return value
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export const atMost = (value: number): Measurement['goal'] & object => ({ bound: 'most', value })
export const atLeast = (value: number): Measurement['goal'] & object => ({ bound: 'least', value })

/** Goals that are set for large libraries only: in a small one the fixed costs of a start are all there is. */
export const largeLibrary = 100_000
export function atScale (models: number, goal: Measurement['goal'] & object): Pick<Measurement, 'goal'> {
  return models >= largeLibrary ? { goal } : {}
}

export function reached ({ value, goal }: Measurement): boolean | null {
  if (!goal) return null
  return goal.bound === 'most' ? value <= goal.value : value >= goal.value
}

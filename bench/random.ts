export interface Random {
  /** A float in [0, 1). */
  float (): number
  /** An integer in [0, limit). */
  below (limit: number): number
  chance (probability: number): boolean
  pick<Value> (values: readonly Value[]): Value
  /** Like pick, but the first values come far more often than the last ones, as with tags and creators. */
  skewed<Value> (values: readonly Value[], power?: number): Value
  hex (digits: number): string
}

/** The same numbers for the same seed on every machine (a 32-bit xorshift with a multiplied output). */
export function createRandom (seed: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x6a09e667) | 0 || 1

  function next (): number {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.imul(state, 0x2545f491) >>> 0
  }

  function at<Value> (values: readonly Value[], index: number): Value {
    const value = values[index]
    if (value === undefined) throw new RangeError('picked from an empty list')
    return value
  }

  const float = () => next() / 2 ** 32
  const below = (limit: number) => Math.floor(float() * limit)
  return {
    float,
    below,
    chance: (probability) => float() < probability,
    pick: (values) => at(values, below(values.length)),
    skewed: (values, power = 3) => at(values, Math.floor(float() ** power * values.length)),
    hex (digits) {
      let text = ''
      while (text.length < digits) text += next().toString(16).padStart(8, '0')
      return text.slice(0, digits)
    }
  }
}

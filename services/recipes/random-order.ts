import { textHash } from './recipe-columns.ts'
import type { RecipeIndex } from './recipe-index.ts'

const DEFAULT_SEED = 'recipes'
/** Slots are below this, and fit beside a key of 32 bits into the mantissa of a number. */
const SLOTS = 2 ** 20

/** All slots in an order that the seed alone decides: the pages of one seed are one order, whatever is filtered. */
export function randomOrder (index: RecipeIndex, seed: string): number[] {
  const start = mix(textHash(seed || DEFAULT_SEED))
  const slots = index.byDate.slots()
  const { idHash } = index.columns
  const keys = new Float64Array(slots.length)
  for (let at = 0; at < keys.length; at++) {
    const slot = slots[at] ?? 0
    keys[at] = mix((idHash[slot] ?? 0) ^ start) * SLOTS + slot
  }
  keys.sort()
  const order = new Array<number>(keys.length)
  for (let at = 0; at < keys.length; at++) order[at] = lowBits(keys[at] ?? 0)
  return order
}

/** The remainder of so large a number takes ten times as long. */
function lowBits (key: number): number {
  return key - Math.floor(key / SLOTS) * SLOTS
}

/** Spreads neighbouring values over all bits. */
function mix (value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}

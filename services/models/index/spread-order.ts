/** Slots in an order of which a page costs little: a stretch is sorted when it is read. */
export interface SpreadOrder {
  readonly slots: Uint32Array
  /** Puts the places `from` up to `to` in order; before that only their bucket is right. */
  settle (from: number, to: number): void
}

const BITS = 11
const BUCKETS = 1 << BITS
const SHIFT = 32 - BITS
/** Kept, for memory that is new is slow to touch. */
let scratch = new Uint32Array(0)

/** By keys that are spread evenly over 32 bits; equal ones stay as they come. Keys are asked for again when a stretch is sorted. */
export function spreadOrder (slots: Uint32Array, keyOf: (slot: number) => number): SpreadOrder {
  const { length } = slots
  if (scratch.length < length) scratch = new Uint32Array(length)
  const keys = scratch
  const ends = new Uint32Array(BUCKETS)
  for (let i = 0; i < length; i++) {
    const key = keyOf(slots[i] as number)
    keys[i] = key
    const bucket = key >>> SHIFT
    ends[bucket] = (ends[bucket] as number) + 1
  }
  let total = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = ends[bucket] as number
    ends[bucket] = total
    total += count
  }
  const dealt = new Uint32Array(length)
  for (let i = 0; i < length; i++) {
    const bucket = (keys[i] as number) >>> SHIFT
    const to = ends[bucket] as number
    ends[bucket] = to + 1
    dealt[to] = slots[i] as number
  }
  return withLateSorting(dealt, ends, keyOf)
}

/** Where a bucket begins, the one before it ends. */
function withLateSorting (slots: Uint32Array, ends: Uint32Array, keyOf: (slot: number) => number): SpreadOrder {
  const sorted = new Uint8Array(BUCKETS)
  return {
    slots,
    settle (from, to) {
      if (from >= to) return
      for (let bucket = bucketOf(keyOf(slots[from] as number)), last = bucketOf(keyOf(slots[to - 1] as number)); bucket <= last; bucket++) {
        if (sorted[bucket] === 1) continue
        sorted[bucket] = 1
        sortStretch(slots.subarray(bucket === 0 ? 0 : ends[bucket - 1], ends[bucket]), keyOf)
      }
    }
  }
}

const bucketOf = (key: number): number => key >>> SHIFT

function sortStretch (slots: Uint32Array, keyOf: (slot: number) => number): void {
  const keyed = Array.from(slots, (slot) => ({ slot, key: keyOf(slot) })).sort((a, b) => a.key - b.key)
  for (const [i, { slot }] of keyed.entries()) slots[i] = slot
}

const BITS = 11
const BUCKETS = 1 << BITS

/** `slots` stably sorted by `keys` (one per position, ascending); both inputs stay as they are. */
export function radixSort (slots: Uint32Array, keys: Uint32Array): Uint32Array {
  let items = slots
  let itemKeys = keys
  for (let shift = 0; shift < 32; shift += BITS) {
    const starts = bucketStarts(itemKeys, shift)
    if (!starts) continue
    const nextItems = new Uint32Array(items.length)
    const nextKeys = new Uint32Array(items.length)
    for (let i = 0; i < items.length; i++) {
      const key = itemKeys[i] as number
      const bucket = key >>> shift & BUCKETS - 1
      const to = starts[bucket] as number
      starts[bucket] = to + 1
      nextItems[to] = items[i] as number
      nextKeys[to] = key
    }
    items = nextItems
    itemKeys = nextKeys
  }
  return items
}

/** Where each bucket begins, or null when all keys share one. */
function bucketStarts (keys: Uint32Array, shift: number): Uint32Array | null {
  const counts = new Uint32Array(BUCKETS)
  for (let i = 0; i < keys.length; i++) {
    const bucket = (keys[i] as number) >>> shift & BUCKETS - 1
    counts[bucket] = (counts[bucket] as number) + 1
  }
  let total = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = counts[bucket] as number
    if (count === keys.length) return null
    counts[bucket] = total
    total += count
  }
  return counts
}

const SPREAD_BITS = 10
const SPREAD = 1 << SPREAD_BITS
const HIGH_SHIFT = 32 - SPREAD_BITS
const LOW_SHIFT = HIGH_SHIFT - SPREAD_BITS
/** Kept, for memory that is new is slow to touch. */
let scratch = new Uint32Array(0)

/**
 * As `radixSort` for keys that are spread evenly over 32 bits: twenty of them leave hardly anything out of its place. Two passes
 * over few buckets beat one over many, whose places lie too far apart for the processor's cache.
 */
export function sortSpread (slots: Uint32Array, keys: Uint32Array): Uint32Array {
  const { length } = slots
  if (scratch.length < length * 3) scratch = new Uint32Array(length * 3)
  const [halfway, halfwayKeys, sortedKeys] = [0, 1, 2].map((part) => scratch.subarray(part * length, (part + 1) * length)) as [Uint32Array, Uint32Array, Uint32Array]
  const sorted = new Uint32Array(length)
  deal(slots, keys, { starts: spreadStarts(keys, LOW_SHIFT), shift: LOW_SHIFT, items: halfway, itemKeys: halfwayKeys })
  deal(halfway, halfwayKeys, { starts: spreadStarts(keys, HIGH_SHIFT), shift: HIGH_SHIFT, items: sorted, itemKeys: sortedKeys })
  insertionSort(sorted, sortedKeys)
  return sorted
}

/** Where each bucket begins. */
function spreadStarts (keys: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(SPREAD)
  for (let i = 0; i < keys.length; i++) {
    const bucket = (keys[i] as number) >>> shift & SPREAD - 1
    starts[bucket] = (starts[bucket] as number) + 1
  }
  let total = 0
  for (let bucket = 0; bucket < SPREAD; bucket++) {
    const count = starts[bucket] as number
    starts[bucket] = total
    total += count
  }
  return starts
}

interface Deal { starts: Uint32Array, shift: number, items: Uint32Array, itemKeys: Uint32Array }

function deal (slots: Uint32Array, keys: Uint32Array, { starts, shift, items, itemKeys }: Deal): void {
  for (let i = 0; i < slots.length; i++) {
    const key = keys[i] as number
    const bucket = key >>> shift & SPREAD - 1
    const to = starts[bucket] as number
    starts[bucket] = to + 1
    items[to] = slots[i] as number
    itemKeys[to] = key
  }
}

/** Quick where hardly anything is far from its place. */
function insertionSort (items: Uint32Array, keys: Uint32Array): void {
  for (let i = 1; i < items.length; i++) {
    const key = keys[i] as number
    if ((keys[i - 1] as number) <= key) continue
    const item = items[i] as number
    let to = i
    for (; to > 0 && (keys[to - 1] as number) > key; to--) {
      keys[to] = keys[to - 1] as number
      items[to] = items[to - 1] as number
    }
    keys[to] = key
    items[to] = item
  }
}

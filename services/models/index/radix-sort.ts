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

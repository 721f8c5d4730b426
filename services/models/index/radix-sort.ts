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

/** As `radixSort` for keys that are spread evenly over 32 bits: nearly every one has a bucket to itself. */
export function sortSpread (slots: Uint32Array, keys: Uint32Array): Uint32Array {
  const bits = Math.min(20, Math.max(1, Math.ceil(Math.log2(slots.length + 1))))
  const shift = 32 - bits
  const starts = new Uint32Array((1 << bits) + 1)
  for (let i = 0; i < keys.length; i++) {
    const bucket = ((keys[i] as number) >>> shift) + 1
    starts[bucket] = (starts[bucket] as number) + 1
  }
  for (let bucket = 1; bucket < starts.length; bucket++) starts[bucket] = (starts[bucket] as number) + (starts[bucket - 1] as number)
  const sorted = new Uint32Array(slots.length)
  const sortedKeys = new Uint32Array(slots.length)
  for (let i = 0; i < slots.length; i++) {
    const key = keys[i] as number
    const bucket = key >>> shift
    const to = starts[bucket] as number
    starts[bucket] = to + 1
    sorted[to] = slots[i] as number
    sortedKeys[to] = key
  }
  insertionSort(sorted, sortedKeys)
  return sorted
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

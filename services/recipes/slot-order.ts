/** Slots in an order that is kept while they come and go, and made anew after many went. */
export interface SlotOrder {
  /** Before the slot's recipe changes or goes. */
  remove (slot: number): void
  /** After it has its place. */
  add (slot: number): void
  slots (): readonly number[]
  forget (): void
}

/** Taking one out costs a move of memory; from so many on, sorting all at the next use is cheaper. */
const SINGLE = 32

export function createSlotOrder (compare: (a: number, b: number) => number, all: () => number[]): SlotOrder {
  let sorted: number[] | null = null
  /** Those that came since the order was last asked for: lists are asked for while thousands are loaded. */
  const added = new Set<number>()
  let removals = 0

  /** Place of the first slot that does not come before this one. */
  function place (within: readonly number[], slot: number, from: number): number {
    let low = from
    let high = within.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(within[middle] ?? slot, slot) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  function forget (): void {
    sorted = null
    added.clear()
    removals = 0
  }

  function merge (known: readonly number[], news: readonly number[]): number[] {
    const merged = new Array<number>(known.length + news.length)
    let from = 0
    let to = 0
    for (const slot of news) {
      const end = place(known, slot, from)
      while (from < end) merged[to++] = known[from++] ?? 0
      merged[to++] = slot
    }
    while (from < known.length) merged[to++] = known[from++] ?? 0
    return merged
  }

  return {
    remove (slot) {
      if (!sorted || added.delete(slot)) return
      if (++removals > SINGLE) return forget()
      let at = place(sorted, slot, 0)
      while (sorted[at] !== slot && at < sorted.length) at++
      sorted.splice(at, 1)
    },
    add (slot) { if (sorted) added.add(slot) },
    slots () {
      removals = 0
      if (!sorted) sorted = all().sort(compare)
      else if (added.size > 0) sorted = merge(sorted, [...added].sort(compare))
      added.clear()
      return sorted
    },
    forget
  }
}

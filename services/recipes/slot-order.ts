/** Slots in an order that is kept while single ones come and go, and made anew after many. */
export interface SlotOrder {
  /** Before the slot's recipe changes or goes. */
  remove (slot: number): void
  /** After it has its place. */
  add (slot: number): void
  slots (): readonly number[]
  forget (): void
}

/** Inserting one costs a move of memory; from so many on, sorting all at the next use is cheaper. */
const SINGLE = 32

export function createSlotOrder (compare: (a: number, b: number) => number, all: () => number[]): SlotOrder {
  let sorted: number[] | null = null
  let changes = 0

  /** Place of the first slot that does not come before this one. */
  function place (within: readonly number[], slot: number): number {
    let low = 0
    let high = within.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(within[middle] ?? slot, slot) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  function change (): number[] | null {
    if (++changes > SINGLE) sorted = null
    return sorted
  }

  return {
    remove (slot) {
      const order = change()
      if (!order) return
      let at = place(order, slot)
      while (order[at] !== slot && at < order.length) at++
      order.splice(at, 1)
    },
    add (slot) {
      const order = change()
      order?.splice(place(order, slot), 0, slot)
    },
    slots () {
      changes = 0
      sorted ??= all().sort(compare)
      return sorted
    },
    forget () { sorted = null }
  }
}

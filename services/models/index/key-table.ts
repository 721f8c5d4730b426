import { createSlotTable } from './slot-table.ts'
import type { SlotTable } from './slot-table.ts'
import { createSlices } from '../../jobs/slices.ts'

/** A slot table that is filled when it is first asked, from then on slot by slot: a start pays for no look-up that nobody makes. */
export interface KeyTable extends Pick<SlotTable, 'first' | 'next' | 'keyOf' | 'keys'> {
  /** A slot came, or its key may have changed. */
  touch (slot: number): void
  drop (slot: number): void
  /** Fills it in slices. */
  prepare (): Promise<void>
}

/** Slots between two looks at the clock. */
const AT_ONCE = 256

/** `keyOf` answers the key of a slot, or null when it has none (any more). */
export function createKeyTable (slots: () => Uint32Array, keyOf: (slot: number) => number | null): KeyTable {
  let table: SlotTable | null = null
  /** The one that is being filled; what changes meanwhile goes into it at once. */
  let coming: SlotTable | null = null

  const fill = (into: SlotTable, slot: number): void => {
    const key = keyOf(slot)
    if (key === null) into.drop(slot)
    else into.put(slot, key)
  }
  const filled = (): SlotTable => {
    if (table) return table
    const made = createSlotTable()
    for (const slot of slots()) fill(made, slot)
    coming = null
    table = made
    return made
  }
  const present = (): SlotTable | null => table ?? coming

  return {
    touch: (slot) => {
      const into = present()
      if (into) fill(into, slot)
    },
    drop: (slot) => { present()?.drop(slot) },
    prepare: async () => {
      if (table || coming) return
      const made = createSlotTable()
      coming = made
      const all = slots()
      const isGivenUp = (): boolean => coming !== made
      const slices = createSlices()
      for (let at = 0; at < all.length && !isGivenUp(); at += AT_ONCE) {
        for (const slot of all.subarray(at, at + AT_ONCE)) fill(made, slot)
        await slices()
      }
      if (isGivenUp()) return
      coming = null
      table = made
    },
    first: (key) => filled().first(key),
    next: (slot) => filled().next(slot),
    keyOf: (slot) => filled().keyOf(slot),
    keys: () => filled().keys()
  }
}

import { createSlotTable } from './slot-table.ts'
import type { SlotTable } from './slot-table.ts'

/** A slot table that is filled when it is first asked, from then on slot by slot: a start pays for no look-up that nobody makes. */
export interface KeyTable extends Pick<SlotTable, 'first' | 'next' | 'keyOf'> {
  /** A slot came, or its key may have changed. */
  touch (slot: number): void
  drop (slot: number): void
  /** Fills it now. */
  prepare (): void
}

/** `keyOf` answers the key of a slot, or null when it has none. */
export function createKeyTable (slots: () => Uint32Array, keyOf: (slot: number) => number | null): KeyTable {
  let table: SlotTable | null = null

  const fill = (into: SlotTable, slot: number): void => {
    const key = keyOf(slot)
    if (key === null) into.drop(slot)
    else into.put(slot, key)
  }
  const filled = (): SlotTable => {
    if (table) return table
    const made = createSlotTable()
    for (const slot of slots()) fill(made, slot)
    table = made
    return made
  }

  return {
    touch: (slot) => { if (table) fill(table, slot) },
    drop: (slot) => { table?.drop(slot) },
    prepare: () => { filled() },
    first: (key) => filled().first(key),
    next: (slot) => filled().next(slot),
    keyOf: (slot) => filled().keyOf(slot)
  }
}

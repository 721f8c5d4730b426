import { countBits, hasBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import type { GroupTable } from './group-table.ts'
import type { SpreadOrder } from './spread-order.ts'

/** The models of a query in their order, without being written out. */
export interface Selection {
  total: number
  order: Uint32Array
  descending: boolean
  /** Which of the order are meant; null: all of them. */
  bits: BitSet | null
  /** Present when models are grouped. */
  groups: GroupTable | null
  /** Present when the order is made as it is read: to be called with the places that are read next. */
  settle?: SpreadOrder['settle']
}

export function selectIn (order: Uint32Array, descending: boolean, bits: BitSet | null, groups: GroupTable | null = null): Selection {
  return { total: bits ? countBits(bits) : order.length, order, descending, bits, groups }
}

/** What was put into an order already without what did not pass the filters. */
export function selectAll (order: SpreadOrder, groups: GroupTable | null): Selection {
  return { ...selectIn(order.slots, false, null, groups), settle: order.settle }
}

/** `count` slots from `offset` on; starts from the nearer end. */
export function slotsOf (selection: Selection, offset: number, count: number): Uint32Array {
  const { total, order, descending, bits } = selection
  const length = Math.max(0, Math.min(count, total - offset))
  const slots = new Uint32Array(length)
  if (length === 0) return slots
  // Place of the first wanted one counted along the order, whatever the direction of reading.
  const from = descending ? total - offset - length : offset
  selection.settle?.(from, from + length)
  if (!bits) slots.set(order.subarray(from, from + length))
  else if (from * 2 + length <= total) takeForward(order, bits, from, slots)
  else takeBackward(order, bits, total - from - length, slots)
  return descending ? slots.reverse() : slots
}

function takeForward (order: Uint32Array, bits: BitSet, skip: number, into: Uint32Array): void {
  let left = skip
  let taken = 0
  for (let i = 0; taken < into.length; i++) {
    const slot = order[i] as number
    if (!hasBit(bits, slot)) continue
    if (left > 0) left--
    else into[taken++] = slot
  }
}

function takeBackward (order: Uint32Array, bits: BitSet, skip: number, into: Uint32Array): void {
  let left = skip
  let open = into.length
  for (let i = order.length - 1; open > 0; i--) {
    const slot = order[i] as number
    if (!hasBit(bits, slot)) continue
    if (left > 0) left--
    else into[--open] = slot
  }
}

import type { Corpus } from './corpus.ts'
import { compareNewest } from './group-table.ts'
import type { GroupTable } from './group-table.ts'
import { radixSort } from './radix-sort.ts'

/** Up to so many members are put in order without calling a sort. */
const FEW = 16

/**
 * All slots (given in the order of names) with the members of a group side by side, newest first; groups by how many
 * local members they have, equal ones by name; models without a group last, whichever the direction.
 */
export function byGroupSize (corpus: Corpus, table: GroupTable, slots: Uint32Array, descending: boolean): Uint32Array {
  const { groupOf, counts } = table
  const seen = new Uint8Array(counts.length)
  const groups = new Uint32Array(counts.length)
  let length = 0
  for (let i = 0; i < slots.length; i++) {
    const group = groupOf[slots[i] as number] as number
    if (group < 0 || seen[group] === 1) continue
    seen[group] = 1
    groups[length++] = group
  }
  const appeared = groups.subarray(0, length)
  const sorted = radixSort(appeared, appeared.map((group) => counts[group] as number))
  const ordered = descending ? sorted.slice().reverse() : sorted
  const starts = new Uint32Array(counts.length)
  let at = 0
  for (const group of ordered) {
    starts[group] = at
    at += counts[group] as number
  }
  const out = fill(table, slots, starts, at)
  for (const group of ordered) {
    const end = starts[group] as number
    newestFirst(corpus, out.subarray(end - (counts[group] as number), end))
  }
  return out
}

/** Moves each start to the end of its group on the way. */
function fill ({ groupOf }: GroupTable, slots: Uint32Array, starts: Uint32Array, grouped: number): Uint32Array {
  const out = new Uint32Array(slots.length)
  let single = grouped
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number
    const group = groupOf[slot] as number
    if (group < 0) out[single++] = slot
    else {
      const to = starts[group] as number
      out[to] = slot
      starts[group] = to + 1
    }
  }
  return out
}

function newestFirst (corpus: Corpus, members: Uint32Array): void {
  if (members.length > FEW) {
    members.sort((a, b) => compareNewest(corpus, a, b))
    return
  }
  for (let i = 1; i < members.length; i++) {
    const slot = members[i] as number
    let to = i
    for (; to > 0 && compareNewest(corpus, slot, members[to - 1] as number) < 0; to--) members[to] = members[to - 1] as number
    members[to] = slot
  }
}

import { createBits, eachBit, setBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import { integerHash, mix } from './text-hash.ts'
import type { IndexPreferences } from '../ports.ts'

/** Which local models are versions of one another. */
export interface GroupTable {
  /** Group of each slot, or -1. */
  readonly groupOf: Int32Array
  /** Local members of each group. */
  readonly counts: Uint32Array
}

/** Groups all listed models: by CivitAI model or repository, and by base model too when the preference says so. */
export function groupModels (corpus: Corpus, grouping: IndexPreferences['versionGrouping']): GroupTable {
  const { group, base } = corpus.columns
  const groupOf = new Int32Array(corpus.limit).fill(-1)
  const counts = new Uint32Array(corpus.size)
  const first = new Uint32Array(corpus.size)
  const places = new Int32Array(1 << Math.max(4, Math.ceil(Math.log2(corpus.size * 2 + 1)))).fill(-1)
  let groups = 0
  eachBit(corpus.live, (slot) => {
    const code = group[slot] as number
    if (code === 0) return
    const baseNumber = grouping === 'same_base' ? base[slot] as number : 0
    let place = mix(integerHash(code) ^ baseNumber) & places.length - 1
    for (;;) {
      const known = places[place] as number
      if (known < 0) {
        places[place] = groups
        first[groups] = slot
        counts[groups] = 1
        groupOf[slot] = groups++
        return
      }
      const other = first[known] as number
      if (group[other] === code && (grouping !== 'same_base' || base[other] === baseNumber)) {
        counts[known] = (counts[known] as number) + 1
        groupOf[slot] = known
        return
      }
      place = place + 1 & places.length - 1
    }
  })
  return { groupOf, counts }
}

/** Negative when `a` is the newer of two versions: by version id, then by import time. */
export function compareNewest (corpus: Corpus, a: number, b: number): number {
  const { version, modified, id } = corpus.columns
  return (version[b] as number) - (version[a] as number) || (modified[b] as number) - (modified[a] as number) || (id[a] as number) - (id[b] as number)
}

/** The newest of the matching members of every group, and the matching models without a group. */
export function representatives (corpus: Corpus, table: GroupTable, matching: BitSet): BitSet {
  const newest = new Int32Array(table.counts.length).fill(-1)
  const chosen = createBits(corpus.limit)
  eachBit(matching, (slot) => {
    const group = table.groupOf[slot] as number
    if (group < 0) {
      setBit(chosen, slot)
      return
    }
    const best = newest[group] as number
    if (best < 0 || compareNewest(corpus, slot, best) < 0) newest[group] = slot
  })
  for (const slot of newest) if (slot >= 0) setBit(chosen, slot)
  return chosen
}

/** `version_count` of a list item. */
export function versionCount (table: GroupTable, slot: number): number | null {
  const group = table.groupOf[slot] as number
  return group < 0 ? null : table.counts[group] as number
}

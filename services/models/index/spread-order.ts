import { hasBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import { mix } from './text-hash.ts'

/** Slots in an order of which a page costs little: only the stretch that is read is ever written down. */
export interface SpreadOrder {
  /** Holds the places that were settled. */
  readonly slots: Uint32Array
  /** Puts the right slots at the places `from` up to `to`. */
  settle (from: number, to: number): void
}

const BITS = 11
const BUCKETS = 1 << BITS
const SHIFT = 32 - BITS

/**
 * The members of a set by hash of their key and a seed: each seed makes another order, and a member that comes or goes moves
 * no other. `keys` holds a 32-bit hash for every slot; members with the same one stay in their own order. Neither may change
 * while the order is in use.
 * The loops below run over all models for every new seed, so they work on numbers alone.
 */
export function spreadOrder (members: BitSet, keys: Uint32Array, seed: number): SpreadOrder {
  const ends = bucketEnds(members, keys, seed)
  const slots = new Uint32Array(ends[BUCKETS - 1] as number)
  const settled = new Uint8Array(BUCKETS)
  const bucketAt = (place: number): number => {
    let bucket = 0
    while ((ends[bucket] as number) <= place) bucket++
    return bucket
  }
  return {
    slots,
    settle (from, to) {
      if (from >= to) return
      const [first, last] = [bucketAt(from), bucketAt(to - 1)]
      if (settled.subarray(first, last + 1).every((one) => one === 1)) return
      settled.fill(1, first, last + 1)
      deal(members, keys, seed, { first, last, ends, slots })
      for (let bucket = first; bucket <= last; bucket++) sortStretch(slots.subarray(ends[bucket - 1] ?? 0, ends[bucket]), keys, seed)
    }
  }
}

const limitOf = (members: BitSet, keys: Uint32Array): number => Math.min(members.length * 32, keys.length)

/** Where each bucket of hashes ends in the order, and the next begins. */
function bucketEnds (members: BitSet, keys: Uint32Array, seed: number): Uint32Array {
  const ends = new Uint32Array(BUCKETS)
  for (let slot = 0, limit = limitOf(members, keys); slot < limit; slot++) {
    if (!hasBit(members, slot)) continue
    const bucket = mix((keys[slot] as number) ^ seed) >>> SHIFT
    ends[bucket] = (ends[bucket] as number) + 1
  }
  for (let bucket = 1; bucket < BUCKETS; bucket++) ends[bucket] = (ends[bucket] as number) + (ends[bucket - 1] as number)
  return ends
}

interface Dealing { first: number, last: number, ends: Uint32Array, slots: Uint32Array }

/** Puts the members of some buckets at their places, in their own order within each. */
function deal (members: BitSet, keys: Uint32Array, seed: number, { first, last, ends, slots }: Dealing): void {
  const next = new Uint32Array(BUCKETS)
  for (let bucket = first; bucket <= last; bucket++) next[bucket] = ends[bucket - 1] ?? 0
  for (let slot = 0, limit = limitOf(members, keys); slot < limit; slot++) {
    if (!hasBit(members, slot)) continue
    const bucket = mix((keys[slot] as number) ^ seed) >>> SHIFT
    if (bucket < first || bucket > last) continue
    const place = next[bucket] as number
    next[bucket] = place + 1
    slots[place] = slot
  }
}

function sortStretch (slots: Uint32Array, keys: Uint32Array, seed: number): void {
  const keyed = Array.from(slots, (slot) => ({ slot, key: mix((keys[slot] as number) ^ seed) })).sort((a, b) => a.key - b.key)
  for (const [i, { slot }] of keyed.entries()) slots[i] = slot
}

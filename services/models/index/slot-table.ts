const ABSENT = -2
const NONE = -1

/**
 * Compact multimap from a 32-bit key to slots, each slot in it at most once. Keys are hashes: whoever asks compares
 * what was really meant. Adding and dropping take constant time however many slots share a key.
 */
export interface SlotTable {
  put (slot: number, key: number): void
  drop (slot: number): void
  /** A first slot with this key, or -1. */
  first (key: number): number
  /** The next slot with the key of this one, or -1. */
  next (slot: number): number
  /** The key of a slot that is in the table. */
  keyOf (slot: number): number
  /** The keys of the slots that are in the table, by slot; holds until the next change. */
  keys (): Uint32Array
}

export function createSlotTable (): SlotTable {
  let heads = new Int32Array(16).fill(NONE)
  let keys = new Uint32Array(0)
  let nexts = new Int32Array(0)
  let previous = new Int32Array(0)
  let used = 0

  const link = (slot: number, key: number): void => {
    const bucket = key & heads.length - 1
    const head = heads[bucket] as number
    keys[slot] = key
    nexts[slot] = head
    previous[slot] = NONE
    if (head !== NONE) previous[head] = slot
    heads[bucket] = slot
  }

  const makeRoom = (slot: number): void => {
    if (slot >= keys.length) {
      const capacity = Math.max(16, slot + 1, keys.length * 2)
      keys = grown(keys, new Uint32Array(capacity))
      nexts = grown(nexts, new Int32Array(capacity))
      previous = grown(previous, new Int32Array(capacity).fill(ABSENT))
    }
    if (used < heads.length) return
    heads = new Int32Array(heads.length * 2).fill(NONE)
    for (let i = 0; i < keys.length; i++) if (previous[i] !== ABSENT) link(i, keys[i] as number)
  }

  const drop = (slot: number): void => {
    const before = previous[slot] ?? ABSENT
    if (before === ABSENT) return
    const after = nexts[slot] as number
    if (before === NONE) heads[(keys[slot] as number) & heads.length - 1] = after
    else nexts[before] = after
    if (after !== NONE) previous[after] = before
    previous[slot] = ABSENT
    used--
  }

  const seek = (from: number, key: number): number => {
    let slot = from
    while (slot !== NONE && keys[slot] !== key) slot = nexts[slot] as number
    return slot
  }

  return {
    put: (slot, key) => {
      if ((previous[slot] ?? ABSENT) !== ABSENT) {
        if (keys[slot] === key) return
        drop(slot)
      }
      makeRoom(slot)
      link(slot, key)
      used++
    },
    drop,
    first: (key) => seek(heads[key & heads.length - 1] as number, key),
    next: (slot) => seek(nexts[slot] as number, keys[slot] as number),
    keyOf: (slot) => keys[slot] ?? 0,
    keys: () => keys
  }
}

function grown<T extends Uint32Array | Int32Array> (from: T, to: T): T {
  to.set(from)
  return to
}

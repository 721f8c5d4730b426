/** Which slots bear a key (a tag, a hash, a folder). */
export interface Postings<Key> {
  add (key: Key, slot: number): void
  remove (key: Key, slot: number): void
  get (key: Key): ReadonlySet<number>
  /** Keys with how many slots bear them, first seen first. */
  counts (): [Key, number][]
  keys (): IterableIterator<Key>
}

const NONE: ReadonlySet<number> = new Set()

export function createPostings<Key> (): Postings<Key> {
  const slots = new Map<Key, Set<number>>()
  return {
    add (key, slot) {
      const known = slots.get(key)
      if (known) known.add(slot)
      else slots.set(key, new Set([slot]))
    },
    remove (key, slot) {
      const known = slots.get(key)
      if (known?.delete(slot) && known.size === 0) slots.delete(key)
    },
    get: (key) => slots.get(key) ?? NONE,
    counts: () => [...slots].map(([key, { size }]) => [key, size]),
    keys: () => slots.keys()
  }
}

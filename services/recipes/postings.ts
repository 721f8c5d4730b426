/** Which slots bear a key (a tag, a hash, a folder). Keys of one slot alone, which most hashes and sources are, cost no set. */
export interface Postings<Key> {
  add (key: Key, slot: number): void
  remove (key: Key, slot: number): void
  get (key: Key): ReadonlySet<number>
  /** Keys with how many slots bear them, first seen first. */
  counts (): [Key, number][]
  keys (): IterableIterator<Key>
  /** Keys that more than one slot bears. */
  shared (): Generator<[Key, ReadonlySet<number>]>
}

const NONE: ReadonlySet<number> = new Set()

export function createPostings<Key> (): Postings<Key> {
  const slots = new Map<Key, number | Set<number>>()
  return {
    add (key, slot) {
      const known = slots.get(key)
      if (known === undefined) slots.set(key, slot)
      else if (typeof known !== 'number') known.add(slot)
      else if (known !== slot) slots.set(key, new Set([known, slot]))
    },
    remove (key, slot) {
      const known = slots.get(key)
      if (known === slot) slots.delete(key)
      else if (typeof known === 'object' && known.delete(slot) && known.size === 0) slots.delete(key)
    },
    get (key) {
      const known = slots.get(key)
      return known === undefined ? NONE : typeof known === 'number' ? new Set([known]) : known
    },
    counts: () => Array.from(slots, ([key, known]) => [key, typeof known === 'number' ? 1 : known.size]),
    keys: () => slots.keys(),
    * shared () {
      for (const [key, known] of slots) if (typeof known !== 'number' && known.size > 1) yield [key, known]
    }
  }
}

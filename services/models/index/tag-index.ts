import { createBits, setBit, growBits, clearBit, hasBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'

/** Where a list of slots becomes a bit set: below it a list is smaller and quick to search. */
const LONG_LIST = 1024

/** One tag, however it is written. */
export interface Tag {
  readonly fold: string
  /** Models that have it. */
  count: number
  /** Grows with the first appearance of tags; the order among equal counts. */
  readonly appeared: number
  /** As the first model that has it writes it. */
  display (): string
  addTo (bits: BitSet): void
}

interface Postings extends Tag {
  spellings: { text: string, count: number }[]
  list: number[]
  bits: BitSet | null
}

export interface TagIndex {
  /** Grows with every change of a model's tags. */
  readonly version: number
  add (slot: number, tags: readonly string[]): void
  remove (slot: number, tags: readonly string[]): void
  /** Case and surrounding space do not matter. */
  find (tag: string): Tag | undefined
  /** Tags that a model has. */
  all (): Tag[]
}

export const foldTag = (tag: string): string => tag.trim().toLowerCase()

/** Whether a list of tags names at least one. */
export const isTagged = (tags: readonly string[]): boolean => tags.some((tag) => typeof tag === 'string' && tag.trim() !== '')

export function createTagIndex (): TagIndex {
  const byFold = new Map<string, Postings>()
  const bySpelling = new Map<string, Postings>()
  let appeared = 0
  let version = 0

  const postingsOf = (text: string): Postings | undefined => {
    const known = bySpelling.get(text)
    if (known) return known
    const fold = foldTag(text)
    if (fold === '') return undefined
    let postings = byFold.get(fold)
    if (!postings) {
      postings = createPostings(fold, appeared++)
      byFold.set(fold, postings)
    }
    bySpelling.set(text, postings)
    return postings
  }

  const forget = (postings: Postings): void => {
    if (postings.count > 0) return
    byFold.delete(postings.fold)
    for (const { text } of postings.spellings) bySpelling.delete(text)
  }

  return {
    get version () { return version },
    add: (slot, tags) => {
      for (const text of tags) {
        const postings = typeof text === 'string' ? postingsOf(text) : undefined
        if (postings) addPosting(postings, slot, text)
      }
      version++
    },
    remove: (slot, tags) => {
      for (const text of tags) {
        const postings = bySpelling.get(text)
        if (!postings) continue
        removePosting(postings, slot, text)
        forget(postings)
      }
      version++
    },
    find: (tag) => byFold.get(foldTag(tag)),
    all: () => [...byFold.values()]
  }
}

function createPostings (fold: string, appeared: number): Postings {
  const postings: Postings = {
    fold,
    appeared,
    count: 0,
    spellings: [],
    list: [],
    bits: null,
    display: () => (postings.spellings.find(({ count }) => count > 0)?.text ?? fold).trim(),
    addTo: (bits) => {
      for (const slot of postings.list) setBit(bits, slot)
      const own = postings.bits
      if (own) for (let i = 0; i < own.length; i++) bits[i] = (bits[i] as number) | (own[i] as number)
    }
  }
  return postings
}

/** A second spelling of a tag within one model changes the spellings, not the count. */
function addPosting (postings: Postings, slot: number, text: string): void {
  const spelling = postings.spellings.find((one) => one.text === text)
  if (spelling) spelling.count++
  else postings.spellings.push({ text, count: 1 })
  if (postings.bits) {
    if (slot >= postings.bits.length << 5) postings.bits = growBits(postings.bits, Math.max(slot + 1, postings.bits.length << 6))
    if (hasBit(postings.bits, slot)) return
    setBit(postings.bits, slot)
  } else {
    // A model's own repetition stands at the end; no other slot was added in between.
    if (postings.list.at(-1) === slot) return
    postings.list.push(slot)
    if (postings.list.length > LONG_LIST) toBits(postings)
  }
  postings.count++
}

function toBits (postings: Postings): void {
  const bits = createBits(Math.max(...postings.list) + 1)
  for (const slot of postings.list) setBit(bits, slot)
  postings.bits = bits
  postings.list = []
}

function removePosting (postings: Postings, slot: number, text: string): void {
  const spelling = postings.spellings.find((one) => one.text === text)
  if (spelling && spelling.count > 0) spelling.count--
  if (postings.bits) {
    if (slot >= postings.bits.length << 5 || !hasBit(postings.bits, slot)) return
    clearBit(postings.bits, slot)
  } else {
    const place = postings.list.indexOf(slot)
    if (place < 0) return
    const last = postings.list.pop()
    if (last !== undefined && last !== slot) postings.list[place] = last
  }
  postings.count--
}

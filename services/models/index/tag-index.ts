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

interface Spelling { readonly text: string, readonly postings: Postings, count: number }

interface Postings extends Tag {
  spellings: Spelling[]
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
export function isTagged (tags: readonly string[]): boolean {
  for (let i = 0; i < tags.length; i++) {
    const tag = tags[i]
    if (typeof tag === 'string' && isText(tag)) return true
  }
  return false
}

/** The usual tag starts with a letter; only others need to be trimmed to know. */
function isText (tag: string): boolean {
  const code = tag.charCodeAt(0)
  return (code > 0x20 && code < 0x7f) || tag.trim() !== ''
}

export function createTagIndex (): TagIndex {
  const byFold = new Map<string, Postings>()
  const bySpelling = new Map<string, Spelling>()
  let appeared = 0
  let version = 0

  const spellingOf = (text: string): Spelling | undefined => {
    const known = bySpelling.get(text)
    if (known) return known
    const fold = foldTag(text)
    if (fold === '') return undefined
    let postings = byFold.get(fold)
    if (!postings) {
      postings = createPostings(fold, appeared++)
      byFold.set(fold, postings)
    }
    const spelling: Spelling = { text, postings, count: 0 }
    postings.spellings.push(spelling)
    bySpelling.set(text, spelling)
    return spelling
  }

  const forget = (postings: Postings): void => {
    if (postings.count > 0) return
    byFold.delete(postings.fold)
    for (const { text } of postings.spellings) bySpelling.delete(text)
  }

  return {
    get version () { return version },
    add: (slot, tags) => {
      for (let i = 0; i < tags.length; i++) {
        const text = tags[i]
        const spelling = typeof text === 'string' ? spellingOf(text) : undefined
        if (!spelling) continue
        spelling.count++
        addPosting(spelling.postings, slot)
      }
      version++
    },
    remove: (slot, tags) => {
      for (const text of tags) {
        const spelling = bySpelling.get(text)
        if (!spelling) continue
        if (spelling.count > 0) spelling.count--
        removePosting(spelling.postings, slot)
        forget(spelling.postings)
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
function addPosting (postings: Postings, slot: number): void {
  if (postings.bits) {
    if (slot >= postings.bits.length << 5) postings.bits = growBits(postings.bits, Math.max(slot + 1, postings.bits.length << 6))
    if (hasBit(postings.bits, slot)) return
    setBit(postings.bits, slot)
  } else {
    // A model's own repetition stands at the end; no other slot was added in between.
    const { list } = postings
    if (list.length > 0 && list[list.length - 1] === slot) return
    list.push(slot)
    if (list.length > LONG_LIST) toBits(postings)
  }
  postings.count++
}

function toBits (postings: Postings): void {
  const bits = createBits(Math.max(...postings.list) + 1)
  for (const slot of postings.list) setBit(bits, slot)
  postings.bits = bits
  postings.list = []
}

function removePosting (postings: Postings, slot: number): void {
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

import { setImmediate as nextTurn } from 'node:timers/promises'
import { setBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import { SLICE_MS } from './sort-order.ts'
import { characterMask } from './words.ts'
import { eachWordWith, shelfWord } from './vocabulary-shelf.ts'
import type { Place } from './vocabulary-shelf.ts'
import { createVocabularyBuilder } from './vocabulary-builder.ts'
import type { WordPostings } from './vocabulary-builder.ts'
import { canBeSimilar, similarity } from '../similarity.ts'

/** Calls `visit` for each word of a slot's fields. */
export type ReadWords = (slot: number, visit: (word: string, field: number) => void) => void

/**
 * All words of the searchable fields with the models that have them. The bulk stands in compact postings; what changed
 * since stands in an overlay that is folded in, in slices, once it has grown.
 */
export interface Vocabulary {
  /** A slot came or its searchable texts changed. */
  touch (slot: number): void
  /** Adds the slots that have a word with `piece` in this place in one of the fields. Slots of models gone may be among them. */
  collect (piece: string, place: Place, fields: number, into: BitSet): void
  /** Adds the slots that have a word at least this similar. */
  collectSimilar (word: string, threshold: number, fields: number, into: BitSet): void
  settle (): Promise<void>
  clear (): void
}

const SMALLEST_FOLD = 4096
/** Beyond it a word is only looked for as it is. */
const LONGEST_SIMILAR = 64

export function createVocabulary (slots: () => Uint32Array, isLive: (slot: number) => boolean, readWords: ReadWords, isBulk: () => boolean = () => false): Vocabulary {
  let base: WordPostings | null = null
  /** Postings of changed slots by word; elements are `sequence * 16 + mask`. */
  let overlay = new Map<string, number[]>()
  /** Slot of each sequence number; a slot's latest sequence number plus one, 0 when the base still speaks for it. */
  let sequenceSlots: number[] = []
  let latest = new Uint32Array(0)
  let waiting = new Set<number>()
  let building: object | null = null

  const read = (slot: number): void => {
    const sequence = sequenceSlots.push(slot) - 1
    if (slot >= latest.length) {
      const wider = new Uint32Array(Math.max(64, slot + 1, latest.length * 2))
      wider.set(latest)
      latest = wider
    }
    latest[slot] = sequence + 1
    readWords(slot, (word, field) => {
      const list = overlay.get(word)
      const last = list?.at(-1)
      if (!list || last === undefined) overlay.set(word, [sequence * 16 + field])
      else if (Math.floor(last / 16) === sequence) list[list.length - 1] = last | field
      else list.push(sequence * 16 + field)
    })
  }

  const readWaiting = (): void => {
    for (const slot of waiting) if (isLive(slot)) read(slot)
    waiting.clear()
  }

  function * build (): Generator<undefined, undefined> {
    const builder = createVocabularyBuilder()
    const firstKept = sequenceSlots.length
    let count = 0
    for (const slot of slots()) {
      if (isLive(slot)) readWords(slot, (word, field) => builder.add(slot, word, field))
      if (++count % 256 === 0) yield
    }
    const built = yield * builder.finish()
    readWaiting()
    base = built
    const changedSince = sequenceSlots.slice(firstKept)
    overlay = new Map()
    sequenceSlots = []
    latest.fill(0)
    for (const slot of new Set(changedSince)) if (isLive(slot)) read(slot)
  }

  const buildNow = (): void => {
    building = null
    waiting.clear()
    const steps = build()
    while (!steps.next().done) continue
  }

  /** Nothing stays unread; false when there is nothing but the models themselves to read, since many are still coming. */
  const bringUpToDate = (): boolean => {
    if (base !== null) {
      readWaiting()
      return true
    }
    const size = slots().length
    if (size > SMALLEST_FOLD && (isBulk() || building !== null)) return false
    if (size > 0) buildNow()
    return true
  }

  const readModels = (test: (word: string) => boolean, fields: number, into: BitSet): void => {
    for (const slot of slots()) readWords(slot, (word, field) => { if ((field & fields) !== 0 && test(word)) setBit(into, slot) })
  }

  const buildInSlices = async (): Promise<void> => {
    const token = {}
    const isOurs = (): boolean => building === token
    building = token
    if (base !== null) readWaiting()
    const steps = build()
    let deadline = performance.now() + SLICE_MS
    while (isOurs() && !steps.next().done) {
      if (performance.now() < deadline) continue
      await nextTurn()
      deadline = performance.now() + SLICE_MS
    }
    if (isOurs()) building = null
  }

  const addPostings = (word: number, fields: number, into: BitSet): void => {
    const { offsets, values } = base as WordPostings
    const end = offsets[word + 1] as number
    const clean = sequenceSlots.length === 0
    for (let i = offsets[word] as number; i < end; i++) {
      const value = values[i] as number
      const slot = value >>> 4
      if ((value & fields) !== 0 && (clean || (latest[slot] ?? 0) === 0)) setBit(into, slot)
    }
  }

  const addOverlay = (test: (word: string) => boolean, fields: number, into: BitSet): void => {
    for (const [word, list] of overlay) {
      if (!test(word)) continue
      for (const value of list) {
        const sequence = Math.floor(value / 16)
        const slot = sequenceSlots[sequence] as number
        if ((value & fields) !== 0 && latest[slot] === sequence + 1) setBit(into, slot)
      }
    }
  }

  return {
    // Before the first build every model is read then, and those that change while it runs afterwards.
    touch: (slot) => { if (base !== null || building !== null) waiting.add(slot) },
    collect: (piece, place, fields, into) => {
      if (!bringUpToDate()) return readModels((word) => isAt(word, piece, place), fields, into)
      for (const shelf of base?.shelves ?? []) eachWordWith(shelf, piece, place, (word) => addPostings(word, fields, into))
      addOverlay((word) => isAt(word, piece, place), fields, into)
    },
    collectSimilar: (word, threshold, fields, into) => {
      if (word.length > LONGEST_SIMILAR) return
      const isSimilar = (other: string): boolean => canBeSimilar(word.length, other.length, threshold) && similarity(word, other) >= threshold
      if (!bringUpToDate()) return readModels(isSimilar, fields, into)
      eachSimilar(base, word, threshold, (number) => addPostings(number, fields, into))
      addOverlay(isSimilar, fields, into)
    },
    settle: async () => {
      if (building) return
      const size = slots().length
      if (base === null ? size > 0 : sequenceSlots.length + waiting.size > Math.max(SMALLEST_FOLD, size / 4)) await buildInSlices()
    },
    clear: () => {
      base = null
      overlay = new Map()
      sequenceSlots = []
      latest = new Uint32Array(0)
      waiting = new Set()
      building = null
    }
  }
}

function isAt (word: string, piece: string, place: Place): boolean {
  switch (place) {
    case 'anywhere': return word.includes(piece)
    case 'start': return word.startsWith(piece)
    case 'end': return word.endsWith(piece)
    case 'whole': return word === piece
  }
}

/** Length and shared characters rule nearly all words out before any is compared. */
function eachSimilar (base: WordPostings | null, word: string, threshold: number, visit: (number: number) => void): void {
  const mask = characterMask(word)
  for (const shelf of base?.shelves ?? []) {
    const { starts, masks } = shelf
    for (let i = 0; i < shelf.size; i++) {
      const length = (starts[i + 1] as number) - (starts[i] as number) - 1
      if (!canBeSimilar(word.length, length, threshold)) continue
      // Each class of characters that only one of the two has is at least one character unmatched.
      const unmatched = bitCount(mask & ~(masks[i] as number)) + bitCount((masks[i] as number) & ~mask)
      if (word.length + length - unmatched < threshold * (word.length + length)) continue
      if (similarity(word, shelfWord(shelf, i)) >= threshold) visit(shelf.offset + i)
    }
  }
}

function bitCount (word: number): number {
  let bits = word - (word >>> 1 & 0x55555555)
  bits = (bits & 0x33333333) + (bits >>> 2 & 0x33333333)
  return Math.imul(bits + (bits >>> 4) & 0x0f0f0f0f, 0x01010101) >>> 24
}

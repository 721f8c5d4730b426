import { STEP, createShelf } from './vocabulary-shelf.ts'
import type { Shelf } from './vocabulary-shelf.ts'

/** Words with the slots that have them: a list per word, each element `slot * 16 + mask of fields`. */
export interface WordPostings {
  shelves: Shelf[]
  offsets: Uint32Array
  values: Uint32Array
}

export interface VocabularyBuilder {
  /** Adds a word of a slot; all words of one slot come together. */
  add (slot: number, word: string, field: number): void
  /** Steps to the finished vocabulary, each short; the generator returns it. */
  finish (): Generator<undefined, WordPostings>
}

const ALL_LATIN = /^[\0-\xff]*$/

export function createVocabularyBuilder (): VocabularyBuilder {
  const numbers = new Map<string, number>()
  const lastPosting: number[] = []
  let words = new Uint32Array(1024)
  let values = new Uint32Array(1024)
  let length = 0

  const add = (slot: number, word: string, field: number): void => {
    let number = numbers.get(word)
    if (number === undefined) {
      number = numbers.size
      numbers.set(word, number)
      lastPosting.push(-1)
    }
    const last = lastPosting[number] as number
    if (last >= 0 && (values[last] as number) >>> 4 === slot) {
      values[last] = (values[last] as number) | field
      return
    }
    if (length === values.length) {
      words = doubled(words)
      values = doubled(values)
    }
    words[length] = number
    values[length] = slot << 4 | field
    lastPosting[number] = length++
  }

  function * finish (): Generator<undefined, WordPostings> {
    const narrow: string[] = []
    const wide: string[] = []
    const renumbered = new Uint32Array(numbers.size)
    let seen = 0
    for (const [word, number] of numbers) {
      const shelf = ALL_LATIN.test(word) ? narrow : wide
      // Wide ones are numbered behind the narrow ones, whose number is not known yet.
      renumbered[number] = shelf === narrow ? narrow.length : wide.length + 0x80000000
      shelf.push(word)
      if (++seen % STEP === 0) yield
    }
    for (let i = 0; i < renumbered.length; i++) {
      const number = renumbered[i] as number
      if (number >= 0x80000000) renumbered[i] = number - 0x80000000 + narrow.length
    }
    numbers.clear()
    yield
    const shelves = [yield * createShelf(narrow, 0), yield * createShelf(wide, narrow.length)]
    const offsets = countPostings(renumbered, words.subarray(0, length))
    yield
    const sorted = new Uint32Array(length)
    const next = offsets.slice()
    for (let i = 0; i < length; i++) {
      const number = renumbered[words[i] as number] as number
      const to = next[number] as number
      sorted[to] = values[i] as number
      next[number] = to + 1
      if (i % (STEP * 8) === 0) yield
    }
    return { shelves, offsets, values: sorted }
  }

  return { add, finish }
}

/** A posting's word is renumbered on the way: words of both shelves count through. */
function countPostings (renumbered: Uint32Array, words: Uint32Array): Uint32Array {
  const offsets = new Uint32Array(renumbered.length + 1)
  for (let i = 0; i < words.length; i++) {
    const number = renumbered[words[i] as number] as number
    offsets[number + 1] = (offsets[number + 1] as number) + 1
  }
  for (let i = 1; i < offsets.length; i++) offsets[i] = (offsets[i] as number) + (offsets[i - 1] as number)
  return offsets
}

function doubled (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(array.length * 2)
  wider.set(array)
  return wider
}

import { characterMask } from './words.ts'

/**
 * Words of one kind of script in one text, each between line breaks, so that a search runs at the speed of `indexOf`.
 * Words are numbered from `offset` on.
 */
export interface Shelf {
  readonly offset: number
  readonly size: number
  readonly text: string
  /** Where each word starts in the text; one more for the end. */
  readonly starts: Uint32Array
  readonly masks: Uint32Array
}

/** Words per step. */
export const STEP = 16_384

export type Place = 'anywhere' | 'start' | 'end' | 'whole'

/** Makes a shelf in short steps, so that the loop stays free. */
export function * createShelf (words: readonly string[], offset: number): Generator<undefined, Shelf> {
  const starts = new Uint32Array(words.length + 1)
  const masks = new Uint32Array(words.length)
  const parts: string[] = []
  let at = 1
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    starts[i] = at
    masks[i] = characterMask(word)
    at += word.length + 1
    if ((i + 1) % STEP !== 0) continue
    parts.push(words.slice(i + 1 - STEP, i + 1).join('\n'))
    yield
  }
  starts[words.length] = at
  if (words.length % STEP > 0) parts.push(words.slice(-(words.length % STEP)).join('\n'))
  return { offset, size: words.length, text: words.length === 0 ? '' : `\n${parts.join('\n')}\n`, starts, masks }
}

export const shelfWord = ({ text, starts }: Shelf, index: number): string => text.slice(starts[index], (starts[index + 1] as number) - 1)

/** Calls `visit` with the number of every word that has the piece in this place. */
export function eachWordWith (shelf: Shelf, piece: string, place: Place, visit: (word: number) => void): void {
  const { text, starts } = shelf
  const needle = place === 'anywhere' ? piece : `${place === 'end' ? '' : '\n'}${piece}${place === 'start' ? '' : '\n'}`
  const shift = needle.startsWith('\n') ? 1 : 0
  if (needle.length === 1) {
    eachWordWithUnit(shelf, needle.charCodeAt(0), visit)
    return
  }
  let word = 0
  let at = text.indexOf(needle)
  while (at >= 0) {
    word = wordAt(starts, at + shift, word)
    visit(shelf.offset + word)
    if (place === 'whole') return
    word++
    at = text.indexOf(needle, (starts[word] as number) - 1)
  }
}

/** One character is in so many words that stepping through the text beats searching from hit to hit. */
function eachWordWithUnit ({ text, starts, offset, size }: Shelf, unit: number, visit: (word: number) => void): void {
  for (let word = 0; word < size; word++) {
    const end = (starts[word + 1] as number) - 1
    for (let at = starts[word] as number; at < end; at++) {
      if (text.charCodeAt(at) !== unit) continue
      visit(offset + word)
      break
    }
  }
}

/** The word that contains a place of the text, at or behind `from`: by doubling steps, then by halving. */
function wordAt (starts: Uint32Array, at: number, from: number): number {
  const last = starts.length - 1
  let low = from
  let step = 1
  while (low + step < last && (starts[low + step] as number) <= at) {
    low += step
    step *= 2
  }
  let high = Math.min(last, low + step)
  while (low + 1 < high) {
    const middle = low + high >>> 1
    if ((starts[middle] as number) <= at) low = middle
    else high = middle
  }
  return low
}

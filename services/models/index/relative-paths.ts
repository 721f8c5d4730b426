import { sep } from 'node:path'
import { addAll, bitMembers, createBits, keepCommon, removeAll, setBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import { codePointCount, relativePathOf } from './model-path.ts'
import { radixSort } from './radix-sort.ts'
import { plainSearch } from './text-search.ts'
import { createTopList } from './top-entries.ts'
import { FIELD } from './words.ts'
import { plainKey } from '../natural-key.ts'

interface Tokens { wanted: string[], excluded: string[] }

/** White space parts the words of an autocomplete; `-word` excludes. */
export function parseTokens (search: string): Tokens {
  const tokens = search.toLowerCase().split(/\s+/).filter((token) => token !== '')
  const excludes = (token: string): boolean => token.length > 1 && token.startsWith('-')
  return {
    wanted: tokens.filter((token) => !excludes(token)),
    excluded: tokens.filter(excludes).map((token) => token.slice(1))
  }
}

/**
 * Paths relative to their roots, with extension and the separators of this system, that have every token in the part
 * without extension; ranked by the number of tokens they start with, the earliest place of a token, length, path.
 */
export function relativePaths (corpus: Corpus, prefixes: readonly string[], allowed: BitSet | null, search: string, limit: number, offset: number): string[] {
  const { wanted, excluded } = parseTokens(search)
  const matching = (allowed ?? corpus.live).slice()
  for (const token of wanted) keepCommon(matching, pathsWith(corpus, prefixes, token))
  for (const token of excluded) removeAll(matching, pathsWith(corpus, prefixes, token))
  return bestPaths(corpus, prefixes, bitMembers(matching), wanted, limit + offset).slice(offset).map((slot) => {
    const path = pathOf(corpus, slot)
    return sep === '/' ? path : path.replaceAll('/', sep)
  })
}

function pathOf (corpus: Corpus, slot: number): string {
  const model = corpus.model(slot)
  return model ? relativePathOf(model) : ''
}

/** All folders by number, in lower case, each with the slash that ends it; "" for the root. */
export function folderPrefixes (corpus: Corpus): string[] {
  return Array.from({ length: corpus.folders.size }, (_, i) => {
    const folder = corpus.folders.text(i)
    return folder === '' ? '' : `${folder.toLowerCase()}/`
  })
}

/** Slots whose path has the token: in the folder, in the stem, or across the slash between them. */
function pathsWith (corpus: Corpus, prefixes: readonly string[], token: string): BitSet {
  const found = createBits(corpus.limit)
  const { folder } = corpus.columns
  const slash = token.lastIndexOf('/')
  const [head, tail] = [token.slice(0, slash + 1), token.slice(slash + 1)]
  const inFolder = prefixes.map((prefix) => prefix.includes(token))
  const beforeStem = prefixes.map((prefix) => slash >= 0 && prefix !== '' && prefix.endsWith(head))
  for (let slot = 0; slot < folder.length; slot++) {
    const number = folder[slot] as number
    if (inFolder[number]) setBit(found, slot)
    else if (beforeStem[number] && corpus.text(slot, 'file_name').toLowerCase().startsWith(tail)) setBit(found, slot)
  }
  if (slash < 0) addAll(found, plainSearch(corpus, token, FIELD.fileName))
  return found
}

/** The best that a path in a folder can rank, before its stem is looked at. */
interface Bound { starts: number, position: number, inFolder: number }

function boundOf (prefix: string, tokens: readonly string[]): Bound {
  const length = codePointCount(prefix)
  let starts = 0
  let inFolder = tokens.length === 0 ? 0 : Infinity
  let across = false
  for (const token of tokens) {
    if (prefix.startsWith(token) || token.startsWith(prefix)) starts++
    const at = prefix.indexOf(token)
    if (at >= 0) inFolder = Math.min(inFolder, codePointCount(prefix.slice(0, at)))
    if (token.includes('/')) across = true
  }
  return { starts, position: across ? 0 : Math.min(inFolder, length), inFolder }
}

interface Ranked { slot: number, starts: number, position: number, length: number }

/** Lengths beyond are looked at as if they were this long; only the order of looking suffers. */
const LONGEST = 0xfff

/**
 * Looks at the paths in the order of the best rank they can have, and stops when no better one can come: most stems are
 * never touched.
 */
function bestPaths (corpus: Corpus, prefixes: readonly string[], slots: Uint32Array, tokens: readonly string[], count: number): number[] {
  if (count === 0) return []
  const { folder, pathLength } = corpus.columns
  const bounds = prefixes.map((prefix) => boundOf(prefix, tokens))
  const ranks = rankBounds(bounds)
  const keys = new Uint32Array(slots.length)
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number
    keys[i] = (ranks[folder[slot] as number] as number) * (LONGEST + 1) + Math.min(pathLength[slot] as number, LONGEST)
  }
  const best = createTopList<Ranked>(count, (a, b) => compareRanked(corpus, a, b))
  for (const slot of lowestFirst(slots, keys, count)) {
    const number = folder[slot] as number
    const bound = bounds[number] as Bound
    const length = pathLength[slot] as number
    if (best.full && isBeyond(bound, length, best.worst())) break
    const stem = corpus.text(slot, 'file_name').toLowerCase()
    best.offer(rankPath(slot, prefixes[number] as string, bound, stem, length, tokens))
  }
  return best.sorted().map(({ slot }) => slot)
}

/** Place of each bound among the different ones. */
function rankBounds (bounds: readonly Bound[]): Uint32Array {
  const places = bounds.map((_, i) => i).sort((a, b) => compareBounds(bounds[a] as Bound, bounds[b] as Bound))
  const ranks = new Uint32Array(places.length)
  let rank = 0
  for (const [i, place] of places.entries()) {
    if (i > 0 && compareBounds(bounds[places[i - 1] as number] as Bound, bounds[place] as Bound) !== 0) rank++
    ranks[place] = rank
  }
  return ranks
}

/** The slots by ascending key; few are likely to be taken, so the low keys (by a sample) are sorted first. */
function * lowestFirst (slots: Uint32Array, keys: Uint32Array, few: number): Generator<number, undefined> {
  const step = Math.ceil(slots.length / 1024)
  const sample = new Uint32Array(step === 0 ? 0 : Math.ceil(slots.length / step))
  for (let i = 0; i < sample.length; i++) sample[i] = keys[i * step] as number
  sample.sort()
  const limit = sample[Math.min(sample.length - 1, 16 + Math.ceil(few * 16 / step))] ?? 0
  yield * sortedWhere(slots, keys, (key) => key <= limit)
  yield * sortedWhere(slots, keys, (key) => key > limit)
}

function sortedWhere (slots: Uint32Array, keys: Uint32Array, wanted: (key: number) => boolean): Uint32Array {
  const [some, someKeys] = [new Uint32Array(slots.length), new Uint32Array(slots.length)]
  let length = 0
  for (let i = 0; i < slots.length; i++) {
    const key = keys[i] as number
    if (!wanted(key)) continue
    some[length] = slots[i] as number
    someKeys[length++] = key
  }
  return radixSort(some.subarray(0, length), someKeys.subarray(0, length))
}

const compareBounds = (a: Bound, b: Bound): number => b.starts - a.starts || a.position - b.position

function isBeyond (bound: Bound, length: number, worst: Ranked): boolean {
  const order = worst.starts - bound.starts || bound.position - worst.position
  return order > 0 || (order === 0 && Math.min(length, LONGEST) > worst.length)
}

function rankPath (slot: number, prefix: string, bound: Bound, stem: string, length: number, tokens: readonly string[]): Ranked {
  let starts = 0
  let position = bound.inFolder
  for (const token of tokens) {
    if (token.length <= prefix.length ? prefix.startsWith(token) : token.startsWith(prefix) && stem.startsWith(token.slice(prefix.length))) starts++
    if (position <= bound.position) continue
    const text = token.includes('/') ? prefix + stem : stem
    const at = text.indexOf(token)
    if (at >= 0) position = Math.min(position, codePointCount(text.slice(0, at)) + (text === stem ? codePointCount(prefix) : 0))
  }
  return { slot, starts, position, length }
}

function compareRanked (corpus: Corpus, a: Ranked, b: Ranked): number {
  return b.starts - a.starts || a.position - b.position || a.length - b.length || comparePaths(pathOf(corpus, a.slot), pathOf(corpus, b.slot)) || a.slot - b.slot
}

function comparePaths (a: string, b: string): number {
  const [keyA, keyB] = [plainKey(a), plainKey(b)]
  if (keyA !== keyB) return keyA < keyB ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

import { addAll, createBits, eachBit, isEmpty, keepCommon, setBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import { FIELD, eachWord, hasBreak, splitAtBreaks } from './words.ts'
import type { Vocabulary } from './vocabulary.ts'
import type { IndexedModel } from '../entry.ts'
import type { SearchedTexts } from '../packed-model.ts'

/** What counts as the same word in fuzzy mode. */
const THRESHOLD = 0.85
/** Words of a fuzzy search beyond this number are not looked at. */
const MOST_WORDS = 32

export interface TextSource {
  readonly limit: number
  readonly live: BitSet
  model (slot: number): IndexedModel | undefined
  readonly vocabulary: Vocabulary
}

/** Calls `visit` with each searchable text of a model, as it is, and the bit of its field. */
export function eachText (model: SearchedTexts, visit: (text: string, field: number) => void): void {
  if (model.file_name) visit(model.file_name, FIELD.fileName)
  if (model.model_name) visit(model.model_name, FIELD.modelName)
  for (const tag of model.tags) if (typeof tag === 'string') visit(tag, FIELD.tags)
  const creator = model.civitai?.creator?.username
  if (typeof creator === 'string') visit(creator, FIELD.creator)
}

/** The words that the vocabulary holds of a model. */
export function readModelWords (model: SearchedTexts, visit: (word: string, field: number) => void): void {
  eachText(model, (text, field) => eachWord(text.toLowerCase(), (word) => visit(word, field)))
}

/** Slots with the term, case aside, as a part of one of the fields. Slots of models gone may be among them. */
export function plainSearch (source: TextSource, term: string, fields: number): BitSet {
  const lower = term.toLowerCase()
  if (hasBreak(lower)) return phraseSearch(source, lower, fields)
  const found = createBits(source.limit)
  source.vocabulary.collect(lower, 'anywhere', fields, found)
  return found
}

/** Words narrow it down, the texts themselves decide. */
function phraseSearch (source: TextSource, term: string, fields: number): BitSet {
  const pieces = splitAtBreaks(term)
  const last = pieces.length - 1
  let candidates: BitSet | null = null
  for (const [i, piece] of pieces.entries()) {
    if (piece === '') continue
    const place = i === 0 ? 'end' : i === last ? 'start' : 'whole'
    const found = createBits(source.limit)
    source.vocabulary.collect(piece, place, fields, found)
    if (candidates) keepCommon(candidates, found)
    else candidates = found
  }
  const found = createBits(source.limit)
  const caseless = term.toUpperCase() === term
  eachBit(candidates ?? source.live, (slot) => {
    const model = source.model(slot)
    if (model && hasText(model, term, fields, caseless)) setBit(found, slot)
  })
  return found
}

function hasText (model: IndexedModel, term: string, fields: number, caseless: boolean): boolean {
  const within = (text: unknown): boolean => typeof text === 'string' && (caseless ? text : text.toLowerCase()).includes(term)
  return ((fields & FIELD.fileName) !== 0 && within(model.file_name)) ||
    ((fields & FIELD.modelName) !== 0 && within(model.model_name)) ||
    ((fields & FIELD.tags) !== 0 && model.tags.some(within)) ||
    ((fields & FIELD.creator) !== 0 && within(model.civitai?.creator?.username))
}

/** Slots that have every word of the text, or one like it, in any of the fields. */
export function fuzzySearch (source: TextSource, text: string, fields: number): BitSet | null {
  const words = [...new Set(splitAtBreaks(text.toLowerCase()))].filter((word) => word !== '').slice(0, MOST_WORDS)
  let found: BitSet | null = null
  for (const word of words) {
    const matches = createBits(source.limit)
    source.vocabulary.collect(word, 'anywhere', fields, matches)
    source.vocabulary.collectSimilar(word, THRESHOLD, fields, matches)
    if (found) keepCommon(found, matches)
    else found = matches
    if (isEmpty(found)) break
  }
  return found
}

/** Slots with the term in file name or model name. */
export function nameSearch (source: TextSource, term: string): BitSet {
  return plainSearch(source, term, FIELD.fileName | FIELD.modelName)
}

export function unite (sets: readonly BitSet[], limit: number): BitSet {
  const all = createBits(limit)
  for (const set of sets) addAll(all, set)
  return all
}

import { addAll, bitMembers, clearBit, createBits, eachBit, isEmpty, keepCommon, removeAll, setBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import { dictionaryMarks } from './dictionary.ts'
import type { Dictionary } from './dictionary.ts'
import { letterPasses } from './first-letter.ts'
import { foldTag } from './tag-index.ts'
import { fuzzySearch, nameSearch, plainSearch } from './text-search.ts'
import { FIELD } from './words.ts'
import { AUTO_TAG_LABELS } from '../auto-tags.ts'
import { namePattern } from '../name-pattern.ts'
import type { IndexPreferences, ListQuery } from '../ports.ts'

/** The pseudo-tag of models without tags. */
const UNTAGGED = '__no_tags__'

/** What narrows a list down; every list parameter but page, order and grouping. */
export type FilterQuery = Omit<ListQuery, 'page' | 'pageSize' | 'sort' | 'groupByModel' | 'groupKey'>

/** Keeps the sets of single conditions, which recur from query to query, until the index changes. */
export type AtomCache = Map<string, BitSet>

const MOST_ATOMS = 128

export interface FilterContext {
  corpus: Corpus
  preferences: IndexPreferences
  atoms: AtomCache
  /** Models with an update, see models §3.6. */
  updates: () => BitSet
}

/** Listed models that pass, or null when nothing was asked of them. The set may be shared: it must not be changed. */
export function filterModels (context: FilterContext, query: FilterQuery): BitSet | null {
  const { corpus } = context
  const result = startResult(corpus)
  if (query.hashes.length > 0) result.keep(hashSet(corpus, query.hashes))
  else {
    if (context.preferences.sfwOnly) result.keep(corpus.flags.safe)
    if (query.favoritesOnly) result.keep(corpus.flags.favorite)
    filterFolders(context, query, result)
    if (query.baseModels.length > 0) result.keep(marked(context, 'base', corpus.bases, corpus.columns.base, query.baseModels))
    filterTags(corpus, query, result)
    if (query.subTypes.length > 0) result.keep(marked(context, 'type', corpus.subTypes, corpus.columns.subType, query.subTypes.map((type) => type.trim().toLowerCase())))
    filterAutoTags(corpus, query, result)
    filterText(context, query, result)
    filterLetter(context, query, result)
    if (query.creditRequired !== undefined) result.restrict(corpus.flags.noCredit, !query.creditRequired)
    if (query.allowSelling !== undefined) result.restrict(corpus.flags.selling, query.allowSelling)
    filterNames(context, query, result)
  }
  if (query.updateAvailableOnly) result.keep(context.updates())
  return result.bits()
}

interface Result {
  keep (set: BitSet): void
  remove (set: BitSet): void
  /** Keeps what is in the set, or what is not. */
  restrict (set: BitSet, inside: boolean): void
  /** What is left so far, as a set of its own. */
  own (): BitSet
  bits (): BitSet | null
}

function startResult (corpus: Corpus): Result {
  let bits: BitSet | null = null
  const own = (): BitSet => {
    bits ??= corpus.live.slice()
    return bits
  }
  const result: Result = {
    own,
    keep: (set) => keepCommon(own(), set),
    remove: (set) => removeAll(own(), set),
    restrict: (set, inside) => inside ? result.keep(set) : result.remove(set),
    bits: () => bits
  }
  return result
}

/** The set of a condition, computed once per state of the index. */
function atom (context: FilterContext, key: string, compute: () => BitSet): BitSet {
  const known = context.atoms.get(key)
  if (known) return known
  const bits = compute()
  if (context.atoms.size >= MOST_ATOMS) context.atoms.clear()
  context.atoms.set(key, bits)
  return bits
}

function hashSet (corpus: Corpus, hashes: readonly string[]): BitSet {
  const bits = createBits(corpus.limit)
  for (const hash of hashes) {
    for (const slot of corpus.hashes.filter(hash)) setBit(bits, slot)
  }
  return bits
}

/** Slots whose number in a column is marked. */
function columnSet (corpus: Corpus, column: Uint32Array, marks: Uint8Array): BitSet {
  const bits = createBits(corpus.limit)
  for (let word = 0; word < bits.length; word++) {
    let gathered = 0
    const start = word << 5
    for (let bit = 0; bit < 32; bit++) gathered |= (marks[column[start + bit] as number] as number) << bit
    bits[word] = gathered
  }
  return bits
}

function testedSet (context: FilterContext, key: string, dictionary: Dictionary, column: Uint32Array, test: (text: string) => boolean): BitSet {
  return atom(context, key, () => columnSet(context.corpus, column, dictionaryMarks(dictionary, test)))
}

function marked (context: FilterContext, kind: string, dictionary: Dictionary, column: Uint32Array, texts: readonly string[]): BitSet {
  const wanted = new Set(texts)
  return testedSet(context, JSON.stringify([kind, ...wanted]), dictionary, column, (text) => wanted.has(text))
}

const withoutSlash = (folder: string): string => folder.replace(/\/+$/, '')

const isWithin = (folder: string, parent: string): boolean =>
  folder === parent || (folder.length > parent.length && folder.charCodeAt(parent.length) === 0x2f && folder.startsWith(parent))

function filterFolders (context: FilterContext, query: FilterQuery, result: Result): void {
  const { folders, columns } = context.corpus
  const passes = (text: string, wanted: string): boolean =>
    query.recursive ? wanted === '' || isWithin(text, wanted) : text === wanted
  const excluded = query.folderExclude.map(withoutSlash).filter((folder) => folder !== '')
  if (excluded.length > 0) {
    result.remove(testedSet(context, JSON.stringify(['folder-', ...excluded]), folders, columns.folder, (text) => excluded.some((folder) => isWithin(text, folder))))
  }
  if (query.folder !== undefined && !(query.recursive && withoutSlash(query.folder) === '')) {
    const folder = withoutSlash(query.folder)
    result.keep(testedSet(context, JSON.stringify(['folder', query.recursive, folder]), folders, columns.folder, (text) => passes(text, folder)))
  }
  if (query.folderInclude.length > 0) {
    const included = query.folderInclude.map(withoutSlash)
    result.keep(testedSet(context, JSON.stringify(['folder+', query.recursive, ...included]), folders, columns.folder, (text) => included.some((folder) => passes(text, folder))))
  }
}

/** A tag in both lists is excluded. */
function filterTags (corpus: Corpus, query: Pick<FilterQuery, 'tagInclude' | 'tagExclude' | 'tagLogic'>, result: Result): void {
  const excluded = new Set(query.tagExclude.map(foldTag).filter((tag) => tag !== ''))
  const included = new Set(query.tagInclude.map(foldTag).filter((tag) => tag !== '' && !excluded.has(tag)))
  const untagged = included.delete(UNTAGGED)
  if (included.size > 0 || untagged) {
    const sets = [...included].map((tag) => tagSet(corpus, tag))
    let wanted: BitSet
    if (query.tagLogic === 'all' && sets.length > 0) {
      wanted = sets[0] as BitSet
      for (const set of sets.slice(1)) keepCommon(wanted, set)
    } else {
      wanted = createBits(corpus.limit)
      for (const set of sets) addAll(wanted, set)
    }
    if (untagged) addAll(wanted, untaggedSet(corpus))
    result.keep(wanted)
  }
  if (excluded.delete(UNTAGGED)) result.keep(corpus.flags.tagged)
  for (const tag of excluded) result.remove(tagSet(corpus, tag))
}

function tagSet (corpus: Corpus, tag: string): BitSet {
  const bits = createBits(corpus.limit)
  corpus.tags.find(tag)?.addTo(bits)
  return bits
}

function untaggedSet (corpus: Corpus): BitSet {
  const bits = corpus.live.slice()
  removeAll(bits, corpus.flags.tagged)
  return bits
}

function filterAutoTags (corpus: Corpus, query: FilterQuery, result: Result): void {
  if (query.autoTagInclude.length > 0) result.keep(autoTagSet(corpus, query.autoTagInclude))
  if (query.autoTagExclude.length > 0) result.remove(autoTagSet(corpus, query.autoTagExclude))
}

function autoTagSet (corpus: Corpus, labels: readonly string[]): BitSet {
  let mask = 0
  for (const [place, label] of AUTO_TAG_LABELS.entries()) if (labels.includes(label)) mask |= 1 << place
  const marks = new Uint8Array(256)
  for (let value = 0; value < marks.length; value++) if ((value & mask) !== 0) marks[value] = 1
  const bits = createBits(corpus.limit)
  const { autoTags } = corpus.columns
  for (let slot = 0; slot < autoTags.length; slot++) if (marks[corpus.autoTags(slot)] === 1) setBit(bits, slot)
  return bits
}

function filterText (context: FilterContext, query: FilterQuery, result: Result): void {
  const term = query.search.trim()
  if (term === '') return
  const { fileName, modelName, tags, creator } = query.searchIn
  const fields = (fileName ? FIELD.fileName : 0) | (modelName ? FIELD.modelName : 0) | (tags ? FIELD.tags : 0) | (creator ? FIELD.creator : 0)
  result.keep(atom(context, JSON.stringify(['text', query.fuzzy, fields, term.toLowerCase()]), () => {
    // A fuzzy search for nothing but word breaks has no words; it is taken as it stands.
    const found = query.fuzzy ? fuzzySearch(context.corpus, term, fields) : null
    return found ?? plainSearch(context.corpus, term, fields)
  }))
}

function filterLetter (context: FilterContext, query: FilterQuery, result: Result): void {
  if (query.firstLetter === '') return
  const { letters, columns } = context.corpus
  result.keep(testedSet(context, JSON.stringify(['letter', query.firstLetter]), letters, columns.letter, (letter) => letterPasses(letter, query.firstLetter)))
}

/** Last of all, since a pattern has to be tried on each name that is left. */
function filterNames ({ corpus }: FilterContext, query: FilterQuery, result: Result): void {
  const patterns = (texts: readonly string[]): string[] => texts.filter((text) => text.trim() !== '')
  const [included, excluded] = [patterns(query.namePatternInclude), patterns(query.namePatternExclude)]
  if (included.length > 0) result.keep(namesMatching(corpus, included, query.namePatternUseRegex, result))
  if (excluded.length > 0 && !isEmpty(result.own())) result.remove(namesMatching(corpus, excluded, query.namePatternUseRegex, result))
}

function namesMatching (corpus: Corpus, patterns: readonly string[], useRegex: boolean, result: Result): BitSet {
  if (!useRegex) {
    const found = createBits(corpus.limit)
    for (const pattern of patterns) addAll(found, nameSearch(corpus, pattern))
    return found
  }
  const tests = patterns.map((pattern) => namePattern(pattern, true)).filter((test) => test !== null)
  const found = result.own().slice()
  eachBit(found, (slot) => {
    const [modelName, fileName] = [corpus.text(slot, 'model_name'), corpus.text(slot, 'file_name')]
    if (!tests.some((test) => test(modelName) || test(fileName))) clearBit(found, slot)
  })
  return found
}

/** Slots of models for which an update is there. */
export function updateSet (corpus: Corpus, available: (slot: number) => boolean): BitSet {
  const bits = createBits(corpus.limit)
  for (const slot of bitMembers(corpus.live)) if (available(slot)) setBit(bits, slot)
  return bits
}

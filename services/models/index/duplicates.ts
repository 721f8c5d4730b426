import { hasBit } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import type { KeyTable } from './key-table.ts'
import { filePathOf } from './model-path.ts'
import type { IndexedModel } from '../entry.ts'

/** Models that share something, in the order of the scan. */
export interface Group { key: string, slots: number[] }

/** Groups of at least two matching models with the same SHA-256, originals before copies. */
export function duplicateGroups (corpus: Corpus, matching: BitSet | null): Group[] {
  const groups = sharing(corpus, corpus.hashes.sha256, (model) => (model.sha256 ?? '').toLowerCase(), matching)
  for (const group of groups) group.slots = originalsFirst(corpus, group.slots)
  return groups
}

/** Groups of at least two models with the same file name, whether they are hashed or not. */
export function filenameGroups (corpus: Corpus): Group[] {
  return sharing(corpus, corpus.stems, (model) => model.file_name ?? '', null)
}

/** The table leads to candidates, the text decides. Groups come in the order of their first members. */
function sharing (corpus: Corpus, table: KeyTable, textOf: (model: IndexedModel) => string, matching: BitSet | null): Group[] {
  const done = new Uint8Array(corpus.limit)
  const groups: Group[] = []
  for (const slot of corpus.orders.cache.read()) {
    if (done[slot] === 1) continue
    const key = table.keyOf(slot)
    const first = table.first(key)
    if (first < 0 || (first === slot && table.next(slot) < 0)) continue
    const model = corpus.model(slot)
    const text = model ? textOf(model) : ''
    if (text === '') continue
    const members: number[] = []
    for (let other = first; other >= 0; other = table.next(other)) {
      const one = corpus.model(other)
      if (!one || textOf(one) !== text) continue
      done[other] = 1
      if (!matching || hasBit(matching, other)) members.push(other)
    }
    if (members.length > 1) groups.push({ key: text, slots: members.sort((a, b) => (corpus.columns.id[a] as number) - (corpus.columns.id[b] as number)) })
  }
  return groups
}

/** Suffixes that programs give to a second file of the same name; the second is that of our own name conflicts. */
const CONFLICT_SUFFIX = /-\d{4}\.|-[0-9a-f]{4}(?:-\d+)?$/
const NUMBERED = /\(\d+\)/
const COPY = /copy/i

const copyScore = (name: string): number =>
  (CONFLICT_SUFFIX.test(name) ? 100 : 0) + (NUMBERED.test(name) ? 50 : 0) + (COPY.test(name) ? 50 : 0)

function originalsFirst (corpus: Corpus, slots: readonly number[]): number[] {
  const members = slots.map((slot) => {
    const model = corpus.model(slot)
    const name = model?.file_name ?? ''
    return { slot, name, path: model ? filePathOf(model) : '', score: copyScore(name) + name.length }
  })
  return members.sort((a, b) => a.score - b.score || compare(a.name, b.name) || compare(a.path, b.path)).map(({ slot }) => slot)
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

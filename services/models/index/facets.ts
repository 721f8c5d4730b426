import { eachBit } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import type { Dictionary } from './dictionary.ts'
import { emptyLetterCounts, letterClass } from './first-letter.ts'
import { foldTag } from './tag-index.ts'
import type { Tag } from './tag-index.ts'
import { topEntries } from './top-entries.ts'
import { plainKey } from '../natural-key.ts'
import type { TreeNode } from '../ports.ts'

export interface TagCount { tag: string, count: number }

const compareTags = (a: Tag, b: Tag): number => b.count - a.count || a.appeared - b.appeared

function tagCounts (tags: Tag[], limit: number): TagCount[] {
  return topEntries(tags, limit, compareTags).map((tag) => ({ tag: tag.display(), count: tag.count }))
}

/** Most used tags first, however they are written; equal counts in the order of their first appearance. */
export const topTags = (corpus: Corpus, limit: number): TagCount[] => tagCounts(corpus.tags.all(), limit)

/** Tags with the text as a part; a blank text finds all. */
export function searchTags (corpus: Corpus, text: string, limit: number): TagCount[] {
  const part = foldTag(text)
  return tagCounts(corpus.tags.all().filter(({ fold }) => fold.includes(part)), limit)
}

interface TextCount { text: string, count: number }

function countsOf (dictionary: Dictionary, limit: number, test: (text: string) => boolean): TextCount[] {
  const counts: (TextCount & { place: number })[] = []
  for (let place = 0; place < dictionary.size; place++) {
    const text = dictionary.text(place)
    const count = dictionary.count(place)
    if (count > 0 && text !== '' && test(text)) counts.push({ text, count, place })
  }
  return topEntries(counts, limit, (a, b) => b.count - a.count || a.place - b.place)
}

export const baseModels = (corpus: Corpus, limit: number): { name: string, count: number }[] =>
  countsOf(corpus.bases, limit, () => true).map(({ text, count }) => ({ name: text, count }))

/** Sub-types that the model type lists. */
export function modelTypes (corpus: Corpus, limit: number): { type: string, count: number }[] {
  const listed = corpus.type.listedSubTypes
  return countsOf(corpus.subTypes, limit, (text) => listed === null || listed.includes(text)).map(({ text, count }) => ({ type: text, count }))
}

/** Folders that hold a model, sorted without regard to case, "" for the root itself. */
export function folders (corpus: Corpus): string[] {
  const present: string[] = []
  for (let i = 0; i < corpus.folders.size; i++) if (corpus.folders.count(i) > 0) present.push(corpus.folders.text(i))
  return sortFolders(present)
}

function sortFolders (names: string[]): string[] {
  return names.map((name) => ({ name, key: plainKey(name) }))
    .sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : a.name < b.name ? -1 : 1)
    .map(({ name }) => name)
}

/** Nested objects over the folders of one root, or of all; without prototypes, since folders may be called anything. */
export function folderTree (corpus: Corpus, rootId: string | undefined): TreeNode {
  const root: TreeNode = Object.create(null)
  for (const folder of rootId === undefined ? folders(corpus) : foldersOfRoot(corpus, rootId)) {
    let node = root
    for (const name of folder.split('/')) if (name !== '') node = node[name] ??= Object.create(null) as TreeNode
  }
  return root
}

function foldersOfRoot (corpus: Corpus, rootId: string): string[] {
  const wanted = corpus.roots.find(rootId)
  if (wanted < 0) return []
  const { root, folder } = corpus.columns
  const seen = new Uint8Array(corpus.folders.size)
  eachBit(corpus.live, (slot) => { if (root[slot] === wanted) seen[folder[slot] as number] = 1 })
  const names: string[] = []
  for (let i = 0; i < seen.length; i++) if (seen[i] === 1) names.push(corpus.folders.text(i))
  return sortFolders(names)
}

export function letterCounts (corpus: Corpus): Record<string, number> {
  const counts = emptyLetterCounts()
  for (let i = 0; i < corpus.letters.size; i++) {
    const key = letterClass(corpus.letters.text(i))
    if (key !== null) counts[key] = (counts[key] ?? 0) + corpus.letters.count(i)
  }
  return counts
}

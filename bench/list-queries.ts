import type { GeneratedLibrary } from './library.ts'
import { baseModels } from './words.ts'

/** A kind of list query and how to make the n-th one of it; no two are alike, so that none is answered from a cache. */
export interface QueryKind {
  name: string
  goal: number
  query (n: number): Record<string, string | string[]>
}

const SORTS = ['name', 'date', 'size', 'usage', 'name:desc', 'date:desc', 'size:desc', 'usage:desc']
const COLD_GOAL = 2
const SUBSTRING_GOAL = 5
const FUZZY_GOAL = 10

export function listUrl (query: Record<string, string | string[]>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) parameters.append(name, one)
  return `/api/lm/loras/list?${parameters.toString()}`
}

/** The n-th combination of sort key and size of the page: each is a page of its own, and even a small library has items for it. */
function turn (n: number, largest = 20): { sort_by: string, page_size: string } {
  return { sort_by: SORTS[n % SORTS.length] ?? 'name', page_size: String(largest - Math.floor(n / SORTS.length)) }
}

/** Every filter, search and place in the list that the contract's list route knows. */
export function queryKinds ({ samples, counts }: GeneratedLibrary): QueryKind[] {
  const sample = (n: number) => {
    const found = samples[(n * 7) % samples.length]
    if (!found) throw new Error('the library has no samples')
    return found
  }
  const word = (n: number, index: number) => sample(n).title.toLowerCase().split(' ')[index] ?? 'river'
  const cold = (name: string, query: QueryKind['query'], goal = COLD_GOAL): QueryKind => ({ name, goal, query })
  const paged = (size: number, place: string, page: (pages: number) => number) => cold(`${place} page of ${size}`, (n) => {
    const asked = turn(n, size)
    return { ...asked, page: String(page(Math.ceil(counts.loras / Number(asked.page_size)))) }
  })
  const places = (size: number) => [
    paged(size, 'first', () => 1),
    paged(size, 'middle', (pages) => Math.ceil(pages / 2)),
    paged(size, 'last', (pages) => pages)
  ]
  return [
    ...places(20),
    ...places(100),
    cold('random order', (n) => ({ sort_by: `random:${n}` })),
    cold('versions_count order', (n) => ({ sort_by: n % 2 ? 'versions_count' : 'versions_count:desc', page: String(1 + Math.floor(n / 2)) })),
    cold('folder', (n) => ({ ...turn(n), folder: sample(n).folder })),
    cold('folder_include ×2', (n) => ({ ...turn(n), folder_include: [sample(n).folder, sample(n + 1).folder] })),
    cold('folder_exclude', (n) => ({ ...turn(n), folder_exclude: sample(n).folder })),
    cold('base_model', (n) => ({ ...turn(n), base_model: baseModels[n % baseModels.length] ?? '' })),
    cold('model_type', (n) => ({ ...turn(n), model_type: n % 2 ? 'lora' : 'locon' })),
    cold('tag_include', (n) => ({ ...turn(n), tag_include: sample(n).tags[0] ?? 'style' })),
    cold('tag_include ×2, all', (n) => ({ ...turn(n), tag_include: ['character', sample(n).tags[0] ?? 'style'], tag_logic: 'all' })),
    cold('tag_exclude', (n) => ({ ...turn(n), tag_exclude: sample(n).tags[0] ?? 'style' })),
    cold('favorites_only', (n) => ({ ...turn(n), favorites_only: 'true' })),
    cold('credit_required', (n) => ({ ...turn(n), credit_required: String(n % 3 > 0) })),
    cold('allow_selling_generated_content', (n) => ({ ...turn(n), allow_selling_generated_content: String(n % 3 > 0) })),
    cold('update_available_only', (n) => ({ ...turn(n), update_available_only: 'true' })),
    cold('auto_tag_include', (n) => ({ ...turn(n), auto_tag_include: n % 2 ? 'Turbo' : 'Lightning' })),
    cold('first_letter', (n) => ({ ...turn(n), first_letter: String.fromCharCode(65 + n % 26) })),
    cold('hashes', (n) => ({ hashes: JSON.stringify([sample(n).sha256, sample(n + 1).sha256]) })),
    cold('civitai_model_id', (n) => ({ civitai_model_id: String(sample(n).modelId) })),
    cold('group_by_model', (n) => ({ ...turn(n), group_by_model: 'true' })),
    cold('name_pattern_include', (n) => ({ ...turn(n), name_pattern_include: `${word(n, 0)} ${word(n + 3, 1)}` }), SUBSTRING_GOAL),
    cold('search, one word', (n) => ({ ...turn(n), search: sample(n).title.slice(1, 9) }), SUBSTRING_GOAL),
    cold('search, part of a file name', (n) => ({ search: sample(n).fileName.slice(2) }), SUBSTRING_GOAL),
    cold('search in tags and creators too', (n) => ({ ...turn(n), search: word(n, 1), search_tags: 'true', search_creator: 'true' }), SUBSTRING_GOAL),
    cold('search that finds nothing', (n) => ({ search: `zzq${n}xj` }), SUBSTRING_GOAL),
    cold('fuzzy search, two words', (n) => ({ ...turn(n), search: `${word(n, 0)} ${word(n, 1)}`, fuzzy: 'true' }), FUZZY_GOAL),
    cold('fuzzy search, misspelt', (n) => ({ ...turn(n), search: misspell(word(n, 0), n), fuzzy: 'true' }), FUZZY_GOAL),
    cold('folder, base model, tag, search', (n) => ({ ...turn(n), folder: sample(n).folder.split('/')[0] ?? '', base_model: sample(n).baseModel, tag_exclude: 'style', search: word(n, 1) }), SUBSTRING_GOAL)
  ]
}

/** Swaps two neighbouring letters. */
function misspell (word: string, n: number): string {
  const at = 1 + n % Math.max(1, word.length - 2)
  return word.slice(0, at) + (word[at + 1] ?? '') + (word[at] ?? '') + word.slice(at + 2)
}

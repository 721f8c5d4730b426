import { createHash } from 'node:crypto'
import { isObject, readText } from '../models/read-value.ts'
import type { RecipeGroup } from './ports.ts'
import { createPostings, type Postings } from './postings.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { RecipeLookups } from './recipe-lookups.ts'
import type { ItemsOf } from './recipe-answers.ts'
import { factsOf, type StoredRecipe, type WholeRecipe } from './recipe-store.ts'

interface DuplicateDeps {
  index: RecipeIndex
  lookups: RecipeLookups
  /** A row with its body. */
  read: (row: StoredRecipe) => WholeRecipe | undefined
  items: ItemsOf
  /** Takes the answer piece by piece: it may be megabytes. */
  add: (json: string) => void
}

/** What must be equal beside the LoRAs. */
export interface DuplicateOptions { includePrompt: boolean, includeSeed: boolean }

interface Group extends Omit<RecipeGroup, 'recipes'> { slots: number[] }

/** JSON of groups by equal LoRAs (and, when asked for, prompts), and by equal source (recipes §8.9). */
export function addDuplicateRecipes ({ index, read, lookups, items, add }: DuplicateDeps, { includePrompt, includeSeed }: DuplicateOptions): void {
  const groups: Group[] = []
  const group = (type: Group['type'], name: string, shown: string, members: Iterable<number>): void => {
    const slots = newestFirst(index, members)
    if (slots.length < 2) return
    const key = `g-${createHash('sha256').update(`${type}\0${name}`).digest('hex').slice(0, 16)}`
    groups.push({ type, key, fingerprint: shown, count: slots.length, slots })
  }
  const grouped = includePrompt || includeSeed ? byParams({ index, read, lookups }, { includePrompt, includeSeed }) : lookups.byResolvedFingerprint()
  for (const [key, slots] of grouped.shared()) group('fingerprint', key, key.split('\u001f')[0] ?? '', slots)
  for (const [source, slots] of index.postings.source.shared()) group('source_path', source, source, slots)
  groups.sort((a, b) => b.count - a.count)
  const cards = cardsOf(index, items, groups.flatMap(({ slots }) => slots))
  add('[')
  for (const [at, { slots, ...facts }] of groups.entries()) {
    add(`${at > 0 ? ',' : ''}${JSON.stringify(facts).slice(0, -1)},"recipes":[`)
    for (const [n, card] of slots.flatMap((slot) => cards.get(slot) ?? []).entries()) add(n > 0 ? `,${card}` : card)
    add(']}')
  }
  add(']')
}

/** Recipes without LoRAs are grouped by their prompt; a seed alone makes no two of them alike. */
function byParams ({ index, read, lookups }: Omit<DuplicateDeps, 'items' | 'add'>, { includePrompt, includeSeed }: DuplicateOptions): Pick<Postings<string>, 'shared'> {
  const groups = createPostings<string>()
  const put = (slot: number, fingerprint: string): void => {
    const { prompt, seed } = plainParams(index.at(slot), read)
    const shownPrompt = includePrompt ? prompt : ''
    if (shownPrompt === '' && fingerprint === '') return
    groups.add([fingerprint, shownPrompt, ...includeSeed ? [seed] : []].join('\u001f'), slot)
  }
  for (const [fingerprint, slots] of lookups.byResolvedFingerprint().shared()) for (const slot of slots) put(slot, fingerprint)
  for (const [slot, entry] of index.entries()) if (factsOf(entry).fingerprint === '') put(slot, '')
  return groups
}

function plainParams (entry: StoredRecipe | undefined, read: DuplicateDeps['read']): { prompt: string, seed: string } {
  const body = entry && read(entry)?.body
  const params: unknown = body ? JSON.parse(body.shownParams || body.params) : null
  if (!isObject(params)) return { prompt: '', seed: '' }
  const { prompt, seed } = params
  return { prompt: readText(prompt).replace(/\s+/g, ' ').trim().toLowerCase(), seed: typeof seed === 'number' || typeof seed === 'string' ? String(seed).trim() : '' }
}

function newestFirst (index: RecipeIndex, slots: Iterable<number>): number[] {
  const modified = (slot: number): number => index.at(slot)?.modified ?? 0
  return [...slots].filter((slot) => index.at(slot) !== undefined).sort((a, b) => modified(b) - modified(a))
}

/** What a client draws a card from: the item of the lists, every member of a match in it. */
function cardsOf (index: RecipeIndex, items: ItemsOf, members: readonly number[]): Map<number, string> {
  const cards = new Map<number, string>()
  const slots = [...new Set(members)]
  for (const [at, item] of items(slots).entries()) {
    const slot = slots[at] ?? 0
    const entry = index.at(slot)
    if (!entry || item === undefined) continue
    const { modified, created, loraCount } = entry
    const shown: unknown = modified === 0 || created === 0 ? JSON.parse(item) : null
    const absent = isObject(shown) ? ['modified', 'created_date'].filter((name) => !Object.hasOwn(shown, name)).map((name) => `"${name}":null,`).join('') : ''
    cards.set(slot, `{${absent}${item.slice(1, -1)},"lora_count":${loraCount}}`)
  }
  return cards
}

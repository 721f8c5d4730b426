import { createHash } from 'node:crypto'
import { isObject, readText } from '../models/read-value.ts'
import type { RecipeGroup } from './ports.ts'
import type { RecipeEntry } from './recipe-entry.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { RecipeLookups } from './recipe-lookups.ts'
import type { StoredRecipe, WholeRecipe } from './recipe-store.ts'

interface DuplicateDeps {
  index: RecipeIndex
  lookups: RecipeLookups
  /** A row with its body. */
  read: (row: StoredRecipe) => WholeRecipe | undefined
  /** JSON of a recipe as lists show it; undefined when it went a moment ago. */
  item: (slot: number) => string | undefined
}

/** What must be equal beside the LoRAs. */
export interface DuplicateOptions { includePrompt: boolean, includeSeed: boolean }

interface Group extends Omit<RecipeGroup, 'recipes'> { slots: number[] }

/** JSON of groups by equal LoRAs (and, when asked for, prompts), and by equal source (recipes §8.9). */
export function findDuplicateRecipes ({ index, read, lookups, item }: DuplicateDeps, { includePrompt, includeSeed }: DuplicateOptions): string {
  const groups: Group[] = []
  const add = (type: Group['type'], name: string, shown: string, members: Iterable<number>): void => {
    const slots = newestFirst(index, members)
    if (slots.length < 2) return
    const key = `g-${createHash('sha256').update(`${type}\0${name}`).digest('hex').slice(0, 16)}`
    groups.push({ type, key, fingerprint: shown, count: slots.length, slots })
  }
  const grouped = includePrompt || includeSeed ? byParams({ index, read, lookups }, { includePrompt, includeSeed }) : lookups.byResolvedFingerprint()
  for (const [key, slots] of grouped) {
    if (slots.size > 1) add('fingerprint', key, key.split('\u001f')[0] ?? '', slots)
  }
  for (const [source, slots] of index.postings.source.shared()) add('source_path', source, source, slots)
  groups.sort((a, b) => b.count - a.count)
  return `[${groups.map(({ slots, ...group }) => `${JSON.stringify(group).slice(0, -1)},"recipes":[${slots.flatMap((slot) => card(index.at(slot), item(slot)) ?? []).join(',')}]}`).join(',')}]`
}

/** Recipes without LoRAs are grouped by their prompt; a seed alone makes no two of them alike. */
function byParams ({ index, read, lookups }: Omit<DuplicateDeps, 'item'>, { includePrompt, includeSeed }: DuplicateOptions): Map<string, Set<number>> {
  const groups = new Map<string, Set<number>>()
  const put = (slot: number, fingerprint: string): void => {
    const { prompt, seed } = plainParams(index.at(slot), read)
    const shownPrompt = includePrompt ? prompt : ''
    if (shownPrompt === '' && fingerprint === '') return
    const key = [fingerprint, shownPrompt, ...includeSeed ? [seed] : []].join('\u001f')
    const known = groups.get(key)
    if (known) known.add(slot)
    else groups.set(key, new Set([slot]))
  }
  for (const [fingerprint, slots] of lookups.byResolvedFingerprint()) if (slots.size > 1) for (const slot of slots) put(slot, fingerprint)
  for (const [slot, { facts }] of index.entries()) if (facts.fingerprint === '') put(slot, '')
  return groups
}

function plainParams (entry: RecipeEntry | undefined, read: DuplicateDeps['read']): { prompt: string, seed: string } {
  const body = entry && read(entry)?.body
  const params: unknown = body ? JSON.parse(body.shownParams || body.params) : null
  if (!isObject(params)) return { prompt: '', seed: '' }
  const { prompt, seed } = params
  return { prompt: readText(prompt).replace(/\s+/g, ' ').trim().toLowerCase(), seed: typeof seed === 'number' || typeof seed === 'string' ? String(seed).trim() : '' }
}

function newestFirst (index: RecipeIndex, slots: Iterable<number>): number[] {
  const modified = (slot: number): number => index.at(slot)?.facts.modified ?? 0
  return [...slots].filter((slot) => index.at(slot) !== undefined).sort((a, b) => modified(b) - modified(a))
}

/** What a client draws a card from: the item of the lists, every member of a match in it. */
function card (entry: RecipeEntry | undefined, item: string | undefined): string | undefined {
  if (!entry || item === undefined) return item
  const { modified, created, hashes } = entry.facts
  const shown: unknown = modified === 0 || created === 0 ? JSON.parse(item) : null
  const absent = isObject(shown) ? ['modified', 'created_date'].filter((name) => !Object.hasOwn(shown, name)).map((name) => `"${name}":null,`).join('') : ''
  return `{${absent}${item.slice(1, -1)},"lora_count":${hashes.length}}`
}

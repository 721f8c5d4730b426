import { createHash } from 'node:crypto'
import { isObject, readText } from '../models/read-value.ts'
import type { RecipeGroup } from './ports.ts'
import type { Presenter } from './present-recipe.ts'
import { lorasOf, type RecipeEntry } from './recipe-entry.ts'
import type { RecipeIndex } from './recipe-index.ts'
import { recipeMatch, type RecipeLookups } from './recipe-lookups.ts'

/** Groups by equal LoRAs (and, when asked for, prompts), and by equal source (recipes §8.9). */
export function findDuplicateRecipes ({ index, lookups, presenter }: { index: RecipeIndex, lookups: RecipeLookups, presenter: Presenter }, { includePrompt }: { includePrompt: boolean }): RecipeGroup[] {
  const groups: RecipeGroup[] = []
  const add = (type: RecipeGroup['type'], name: string, shown: string, slots: Iterable<number>): void => {
    const entries = Array.from(slots, (slot) => index.at(slot)).filter((entry) => entry !== undefined)
    if (entries.length < 2) return
    const key = `g-${createHash('sha256').update(`${type}\0${name}`).digest('hex').slice(0, 16)}`
    groups.push({ type, key, fingerprint: shown, count: entries.length, recipes: newestFirst(entries).map((entry) => card(entry, presenter)) })
  }
  for (const [key, slots] of includePrompt ? byPrompt(index, lookups) : lookups.byResolvedFingerprint()) {
    if (slots.size > 1) add('fingerprint', key, key.split('\u001f')[0] ?? '', slots)
  }
  for (const [source, slots] of bySource(index)) add('source_path', source, source, slots)
  return groups.sort((a, b) => b.count - a.count)
}

/** Recipes without LoRAs are grouped by their prompt alone. */
function byPrompt (index: RecipeIndex, lookups: RecipeLookups): Map<string, Set<number>> {
  const groups = new Map<string, Set<number>>()
  const put = (slot: number, fingerprint: string): void => {
    const prompt = plainPrompt(index.at(slot))
    if (prompt === '' && fingerprint === '') return
    const key = `${fingerprint}\u001f${prompt}`
    const known = groups.get(key)
    if (known) known.add(slot)
    else groups.set(key, new Set([slot]))
  }
  for (const [fingerprint, slots] of lookups.byResolvedFingerprint()) if (slots.size > 1) for (const slot of slots) put(slot, fingerprint)
  for (const [slot, { facts }] of index.entries()) if (facts.fingerprint === '') put(slot, '')
  return groups
}

function plainPrompt (entry: RecipeEntry | undefined): string {
  const params: unknown = entry ? JSON.parse(entry.shownParams || entry.params) : null
  return isObject(params) ? readText(params.prompt).replace(/\s+/g, ' ').trim().toLowerCase() : ''
}

function bySource (index: RecipeIndex): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const [source] of index.postings.source.counts()) {
    const key = source.trim()
    if (key === '') continue
    groups.set(key, [...groups.get(key) ?? [], ...index.postings.source.get(source)])
  }
  return groups
}

function newestFirst (entries: readonly RecipeEntry[]): RecipeEntry[] {
  return [...entries].sort((a, b) => b.facts.modified - a.facts.modified)
}

/** What a client draws a card from. */
function card (entry: RecipeEntry, presenter: Presenter): Record<string, unknown> {
  const { facts, folder, image } = entry
  return {
    ...recipeMatch(entry),
    file_path: image.path,
    folder,
    base_model: facts.baseModel,
    loras: lorasOf(entry).map((lora) => presenter.lora(lora, facts.baseModel)),
    ...(facts.level > 0 && { preview_nsfw_level: facts.level }),
    ...(facts.tags.length > 0 && { tags: facts.tags }),
    favorite: facts.favorite
  }
}

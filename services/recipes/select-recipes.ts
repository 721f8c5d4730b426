import type { RecipeQuery } from './ports.ts'
import type { RecipeEntry } from './recipe-entry.ts'
import type { RecipeIndex } from './recipe-index.ts'
import { randomOrder } from './random-order.ts'

export interface SelectionDeps {
  index: RecipeIndex
  /** Whether unsafe images are left out (setting `show_only_sfw`). */
  sfwOnly: () => boolean
  /** 1 for each slot that a search finds. */
  search: (query: RecipeQuery) => Uint8Array
  /** Slots whose LoRA, or checkpoint, is the one of that hash. */
  withLora: (hash: string) => ReadonlySet<number>
  withCheckpoint: (hash: string) => ReadonlySet<number>
  /** Seconds; undefined: never. */
  lastOpened: (id: string) => number | undefined
}

/** From this level on an image is not safe for work. */
const UNSAFE = 4
const NO_TAGS = '__no_tags__'

type Check = (slot: number, entry: RecipeEntry) => boolean

/** Slots that pass the filters of a query, in its order. */
export function selectRecipes (deps: SelectionDeps, query: RecipeQuery): number[] {
  const { index } = deps
  const checks = checksOf(deps, query)
  return orderOf(deps, query.sort).filter((slot) => {
    const entry = index.at(slot)
    return entry !== undefined && checks.every((check) => check(slot, entry))
  })
}

function checksOf (deps: SelectionDeps, query: RecipeQuery): Check[] {
  const checks: Check[] = []
  if (deps.sfwOnly()) checks.push((_slot, { facts }) => facts.level < UNSAFE)
  const bound = query.loraHash !== '' ? deps.withLora(query.loraHash) : query.checkpointHash !== '' ? deps.withCheckpoint(query.checkpointHash) : null
  if (bound) return [...checks, (slot) => bound.has(slot)]
  return [...checks, ...folderChecks(query), ...searchChecks(deps, query), ...baseModelChecks(deps, query), ...favoriteChecks(query), ...tagChecks(deps, query)]
}

function folderChecks ({ folder, recursive }: RecipeQuery): Check[] {
  const wanted = folder?.replace(/^\/+|\/+$/g, '')
  if (wanted === undefined || (wanted === '' && recursive)) return []
  if (!recursive) return [(_slot, entry) => entry.folder === wanted]
  return [(_slot, entry) => entry.folder === wanted || entry.folder.startsWith(`${wanted}/`)]
}

function searchChecks ({ search }: SelectionDeps, query: RecipeQuery): Check[] {
  if (query.search.trim() === '') return []
  const found = search(query)
  return [(slot) => found[slot] === 1]
}

function baseModelChecks ({ index }: SelectionDeps, { baseModels }: RecipeQuery): Check[] {
  if (baseModels.length === 0) return []
  const sets = baseModels.map((name) => index.postings.baseModel.get(name))
  return [(slot) => sets.some((slots) => slots.has(slot))]
}

function favoriteChecks ({ favoritesOnly }: RecipeQuery): Check[] {
  return favoritesOnly ? [(_slot, { facts }) => facts.favorite] : []
}

function tagChecks ({ index }: SelectionDeps, { tagInclude, tagExclude }: RecipeQuery): Check[] {
  const bears = (tags: readonly string[]): Check => {
    const sets = tags.filter((tag) => tag !== NO_TAGS).map((tag) => index.postings.tag.get(tag))
    const untagged = tags.includes(NO_TAGS)
    return (slot, { facts }) => (untagged && facts.tags.length === 0) || sets.some((slots) => slots.has(slot))
  }
  // What is asked for and ruled out is ruled out.
  const include = tagInclude.filter((tag) => !tagExclude.includes(tag))
  const included = bears(include)
  const excluded = bears(tagExclude)
  return [
    ...include.length > 0 ? [included] : [],
    ...tagExclude.length > 0 ? [(slot: number, entry: RecipeEntry) => !excluded(slot, entry)] : []
  ]
}

function orderOf (deps: SelectionDeps, sort: string): readonly number[] {
  const { index } = deps
  const colon = sort.indexOf(':')
  const [field, order] = colon < 0 ? [sort, ''] : [sort.slice(0, colon), sort.slice(colon + 1)]
  switch (field) {
    case 'date': return order === 'asc' ? index.byDate.slots().toReversed() : index.byDate.slots()
    case 'name': return order === 'desc' ? index.byTitle.slots().toReversed() : index.byTitle.slots()
    case 'loras_count': return byNumber(deps, order, (entry) => entry.facts.hashes.length)
    case 'opened': return byNumber(deps, order, (entry) => deps.lastOpened(entry.recipeId))
    case 'random': return randomOrder(index, order === 'asc' || order === 'desc' ? '' : order)
    default: return Array.from(index.entries(), ([slot]) => slot)
  }
}

/** Largest first unless `asc`; recipes without a number are left out, of equal ones the newest stands first. */
function byNumber ({ index }: SelectionDeps, order: string, numberOf: (entry: RecipeEntry) => number | undefined): number[] {
  const sign = order === 'asc' ? 1 : -1
  const slots: number[] = []
  const numbers = new Float64Array(index.slots)
  for (const slot of index.byDate.slots()) {
    const entry = index.at(slot)
    const number = entry && numberOf(entry)
    if (number === undefined) continue
    numbers[slot] = number * sign
    slots.push(slot)
  }
  return slots.sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0))
}

import type { RecipeQuery } from './ports.ts'
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

type Check = (slot: number) => boolean

/** Slots that pass the filters of a query, in its order. */
export function selectRecipes (deps: SelectionDeps, query: RecipeQuery): readonly number[] {
  const checks = checksOf(deps, query)
  let found = orderOf(deps, query.sort)
  for (const check of checks) {
    found = found.filter((slot) => check(slot))
  }
  return found
}

function checksOf (deps: SelectionDeps, query: RecipeQuery): Check[] {
  const { level } = deps.index.columns
  const checks: Check[] = deps.sfwOnly() ? [(slot) => (level[slot] ?? 0) < UNSAFE] : []
  const bound = query.loraHash !== '' ? deps.withLora(query.loraHash) : query.checkpointHash !== '' ? deps.withCheckpoint(query.checkpointHash) : null
  if (bound) return [...checks, (slot) => bound.has(slot)]
  return [...checks, ...folderChecks(deps, query), ...searchChecks(deps, query), ...baseModelChecks(deps, query), ...favoriteChecks(deps, query), ...tagChecks(deps, query)]
}

function folderChecks ({ index }: SelectionDeps, { folder, recursive }: RecipeQuery): Check[] {
  const wanted = folder?.replace(/^\/+|\/+$/g, '')
  if (wanted === undefined || (wanted === '' && recursive)) return []
  const folders = [...index.postings.folder.keys()].filter((name) => name === wanted || (recursive && name.startsWith(`${wanted}/`)))
  const within = maskOf(index, folders.map((name) => index.postings.folder.get(name)))
  return [(slot) => within[slot] === 1]
}

function searchChecks ({ search }: SelectionDeps, query: RecipeQuery): Check[] {
  if (query.search.trim() === '') return []
  const found = search(query)
  return [(slot) => found[slot] === 1]
}

function baseModelChecks ({ index }: SelectionDeps, { baseModels }: RecipeQuery): Check[] {
  if (baseModels.length === 0) return []
  const wanted = maskOf(index, baseModels.map((name) => index.postings.baseModel.get(name)))
  return [(slot) => wanted[slot] === 1]
}

function favoriteChecks ({ index }: SelectionDeps, { favoritesOnly }: RecipeQuery): Check[] {
  const { favorite } = index.columns
  return favoritesOnly ? [(slot) => favorite[slot] === 1] : []
}

function tagChecks ({ index }: SelectionDeps, { tagInclude, tagExclude }: RecipeQuery): Check[] {
  const bears = (tags: readonly string[]): Check => {
    const bearing = maskOf(index, tags.filter((tag) => tag !== NO_TAGS).map((tag) => index.postings.tag.get(tag)))
    const untagged = tags.includes(NO_TAGS)
    return (slot) => bearing[slot] === 1 || (untagged && index.columns.tagged[slot] === 0)
  }
  // What is asked for and ruled out is ruled out.
  const include = tagInclude.filter((tag) => !tagExclude.includes(tag))
  const included = bears(include)
  const excluded = bears(tagExclude)
  return [
    ...include.length > 0 ? [included] : [],
    ...tagExclude.length > 0 ? [(slot: number) => !excluded(slot)] : []
  ]
}

/** 1 for each slot of any of the sets. */
function maskOf (index: RecipeIndex, sets: readonly ReadonlySet<number>[]): Uint8Array {
  const mask = new Uint8Array(index.slots)
  for (const slots of sets) for (const slot of slots) mask[slot] = 1
  return mask
}

function orderOf (deps: SelectionDeps, sort: string): readonly number[] {
  const { index } = deps
  const colon = sort.indexOf(':')
  const [field, order] = colon < 0 ? [sort, ''] : [sort.slice(0, colon), sort.slice(colon + 1)]
  switch (field) {
    case 'date': return order === 'asc' ? index.byDate.slots().toReversed() : index.byDate.slots()
    case 'name': return order === 'desc' ? index.byTitle.slots().toReversed() : index.byTitle.slots()
    case 'loras_count': return byNumber(deps, order, (slot) => index.columns.loras[slot])
    case 'opened': return byNumber(deps, order, (slot) => deps.lastOpened(index.at(slot)?.recipeId ?? ''))
    case 'random': return randomOrder(index, order === 'asc' || order === 'desc' ? '' : order)
    default: return Array.from(index.entries(), ([slot]) => slot)
  }
}

/** Largest first unless `asc`; recipes without a number are left out, of equal ones the newest stands first. */
function byNumber ({ index }: SelectionDeps, order: string, numberOf: (slot: number) => number | undefined): number[] {
  const sign = order === 'asc' ? 1 : -1
  const bearers = new Map<number, number[]>()
  for (const slot of index.byDate.slots()) {
    const number = numberOf(slot)
    if (number === undefined) continue
    const known = bearers.get(number)
    if (known) known.push(slot)
    else bearers.set(number, [slot])
  }
  return [...bearers.keys()].sort((a, b) => (a - b) * sign).flatMap((number) => bearers.get(number) ?? [])
}

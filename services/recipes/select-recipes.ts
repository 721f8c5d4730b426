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

/** 1 for each slot that passes. */
type Mask = Uint8Array

/** Slots that a query finds. */
export interface RecipeSelection {
  readonly slots: ArrayLike<number>
  /** Puts the places `from` up to `to` in order; before that they may not be. */
  settle (from: number, to: number): void
}

/** Slots that pass the filters of a query, in its order. */
export function selectRecipes (deps: SelectionDeps, query: RecipeQuery): RecipeSelection {
  const seed = randomSeed(query.sort)
  let slots = seed === null ? orderOf(deps, query.sort) : deps.index.byDate.slots()
  for (const mask of masksOf(deps, query)) slots = passing(slots, mask)
  return seed === null ? { slots, settle: () => undefined } : randomOrder(deps.index, slots, seed)
}

function passing (slots: readonly number[], mask: Mask): number[] {
  const found: number[] = []
  for (const slot of slots) if (mask[slot] === 1) found.push(slot)
  return found
}

function masksOf (deps: SelectionDeps, query: RecipeQuery): Mask[] {
  const { index } = deps
  const masks = deps.sfwOnly() ? [safeOnes(index)] : []
  const bound = query.loraHash !== '' ? deps.withLora(query.loraHash) : query.checkpointHash !== '' ? deps.withCheckpoint(query.checkpointHash) : null
  if (bound) return [...masks, maskOf(index, [bound])]
  return [...masks, ...folderMasks(deps, query), ...searchMasks(deps, query), ...baseModelMasks(deps, query), ...favoriteMasks(deps, query), ...tagMasks(deps, query)]
}

function folderMasks ({ index }: SelectionDeps, { folder, recursive }: RecipeQuery): Mask[] {
  const wanted = folder?.replace(/^\/+|\/+$/g, '')
  if (wanted === undefined || (wanted === '' && recursive)) return []
  const folders = [...index.postings.folder.keys()].filter((name) => name === wanted || (recursive && name.startsWith(`${wanted}/`)))
  return [maskOf(index, folders.map((name) => index.postings.folder.get(name)))]
}

function searchMasks ({ search }: SelectionDeps, query: RecipeQuery): Mask[] {
  return query.search.trim() === '' ? [] : [search(query)]
}

function baseModelMasks ({ index }: SelectionDeps, { baseModels }: RecipeQuery): Mask[] {
  return baseModels.length === 0 ? [] : [maskOf(index, baseModels.map((name) => index.postings.baseModel.get(name)))]
}

function favoriteMasks ({ index }: SelectionDeps, { favoritesOnly }: RecipeQuery): Mask[] {
  return favoritesOnly ? [index.columns.favorite] : []
}

function tagMasks ({ index }: SelectionDeps, { tagInclude, tagExclude }: RecipeQuery): Mask[] {
  const bears = (tags: readonly string[]): Mask => {
    const bearing = maskOf(index, tags.filter((tag) => tag !== NO_TAGS).map((tag) => index.postings.tag.get(tag)))
    const { tagged } = index.columns
    if (tags.includes(NO_TAGS)) for (let slot = 0; slot < bearing.length; slot++) if (tagged[slot] === 0) bearing[slot] = 1
    return bearing
  }
  // What is asked for and ruled out is ruled out.
  const include = tagInclude.filter((tag) => !tagExclude.includes(tag))
  return [
    ...include.length > 0 ? [bears(include)] : [],
    ...tagExclude.length > 0 ? [allBut(bears(tagExclude))] : []
  ]
}

function safeOnes ({ slots, columns: { level } }: RecipeIndex): Mask {
  const mask = new Uint8Array(slots)
  for (let slot = 0; slot < slots; slot++) mask[slot] = Number((level[slot] ?? 0) < UNSAFE)
  return mask
}

function allBut (mask: Mask): Mask {
  for (let slot = 0; slot < mask.length; slot++) mask[slot] = 1 - (mask[slot] ?? 0)
  return mask
}

/** 1 for each slot of any of the sets. */
function maskOf (index: RecipeIndex, sets: readonly ReadonlySet<number>[]): Mask {
  const mask = new Uint8Array(index.slots)
  for (const slots of sets) for (const slot of slots) mask[slot] = 1
  return mask
}

function readSort (sort: string): [field: string, order: string] {
  const colon = sort.indexOf(':')
  return colon < 0 ? [sort, ''] : [sort.slice(0, colon), sort.slice(colon + 1)]
}

/** null: not in random order. */
function randomSeed (sort: string): string | null {
  const [field, order] = readSort(sort)
  return field !== 'random' ? null : order === 'asc' || order === 'desc' ? '' : order
}

function orderOf (deps: SelectionDeps, sort: string): readonly number[] {
  const { index } = deps
  const [field, order] = readSort(sort)
  switch (field) {
    case 'date': return order === 'asc' ? index.byDate.slots().toReversed() : index.byDate.slots()
    case 'name': return order === 'desc' ? index.byTitle.slots().toReversed() : index.byTitle.slots()
    case 'loras_count': return byNumber(deps, order, (slot) => index.columns.loras[slot])
    case 'opened': return byNumber(deps, order, (slot) => deps.lastOpened(index.at(slot)?.recipeId ?? ''))
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

import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSlicedMerge } from './sliced-merge.ts'
import type { Compare } from './sliced-merge.ts'

/** Longest work in one go, in milliseconds. */
export const SLICE_MS = 6
/** Up to so many changed slots are merged at once rather than in slices. */
const AT_ONCE = 1024
/** The same while many come, when the next are never far. */
const AT_ONCE_IN_BULK = 256
/** From so many on it pays to keep what comparisons need. */
const MANY = 32
const NONE = new Uint32Array(0)

export interface OrderSource {
  /** Total order of slots. */
  compare: Compare
  /** The same, without making anything that would help further comparisons of the same slots. */
  compareOnce?: Compare
  /** Slots of all listed models, in any order. */
  slots (): Uint32Array
  isLive (slot: number): boolean
  /** Whether many slots are coming: what is not merged yet then stands at the end, rather than that a reader waits for it. */
  isBulk (): boolean
  /** Told how many slots are to be sorted, and 0 at the end, to keep what comparisons need meanwhile. */
  sorting? (slots: number): void
}

/**
 * All slots in one order, kept up to date lazily: changed slots are collected and merged in when someone reads, or in
 * slices in the background; never sorted anew.
 */
export interface SortOrder {
  /** False until the order was read or prepared: nothing needs to be kept up to date before. */
  readonly built: boolean
  /** Everything is in its place. */
  readonly settled: boolean
  /** It was asked for, or prepared. */
  readonly inUse: boolean
  /** A slot came, went or got another key. */
  touch (slot: number): void
  read (): Uint32Array
  /** Brings the order up to date in slices, building it if need be: quickly, when `likely` is nearly that order. */
  settle (likely?: () => Uint32Array | null): Promise<void>
  clear (): void
}

export function createSortOrder (source: OrderSource): SortOrder {
  const { compare, isLive } = source
  let order: Uint32Array = new Uint32Array(0)
  let stale = new Uint8Array(0)
  let changed: number[] = []
  let built = false
  let wanted = false
  /** Slots taken by the sliced merge that runs, or null. */
  let taken: Uint32Array | null = null

  const isStale = (slot: number): boolean => stale[slot] === 1

  const touch = (slot: number): void => {
    if (!built && taken === null) return
    if (slot >= stale.length) {
      const wider = new Uint8Array(Math.max(64, slot + 1, stale.length * 2))
      wider.set(stale)
      stale = wider
    }
    if (stale[slot] === 1) return
    stale[slot] = 1
    changed.push(slot)
  }

  /** Hands out what is to be merged: the order without it, and the live ones of it. */
  const takeChanges = (anew = !built): { kept: Uint32Array, loose: Uint32Array } => {
    const loose = anew ? source.slots() : Uint32Array.from(changed).filter(isLive)
    const kept = anew ? NONE : changed.length > 0 ? withoutMarked(order, stale) : order
    order = kept
    for (const slot of changed) stale[slot] = 0
    changed = []
    return { kept, loose }
  }

  /** A merge in slices is given up; its slots are changed slots again. */
  const abandon = (): void => {
    if (taken === null) return
    const slots = taken
    taken = null
    if (built) for (const slot of slots) touch(slot)
    else for (const slot of changed) stale[slot] = 0
    if (!built) changed = []
    source.sorting?.(0)
  }

  /** What is merged, then the rest in the order in which it came. */
  const readLoosely = (): Uint32Array => {
    if (!built && taken === null) return source.slots()
    const merged = changed.length > 0 ? withoutMarked(order, stale) : order
    const all = new Uint32Array(merged.length + (taken?.length ?? 0) + changed.length)
    all.set(merged)
    let length = merged.length
    for (const slot of taken ?? NONE) if (isLive(slot) && !isStale(slot)) all[length++] = slot
    for (const slot of changed) if (isLive(slot)) all[length++] = slot
    return all.subarray(0, length)
  }

  const waits = (): boolean => taken !== null || (built ? changed.length > AT_ONCE_IN_BULK : source.slots().length > AT_ONCE)

  const read = (): Uint32Array => {
    wanted = true
    if (built && taken === null && changed.length === 0) return order
    if (source.isBulk() && waits()) return readLoosely()
    abandon()
    const { kept, loose } = takeChanges()
    const many = loose.length > MANY
    if (many) source.sorting?.(loose.length)
    order = mergeSorted(kept, loose.sort(compare), compare)
    if (many) source.sorting?.(0)
    built = true
    return order
  }

  const settle = async (likely?: () => Uint32Array | null): Promise<void> => {
    if (taken !== null || (built && changed.length === 0)) return
    if (built && changed.length <= (source.isBulk() ? AT_ONCE_IN_BULK : AT_ONCE)) {
      read()
      return
    }
    // Where most came since, a likely order of all is nearer than the few in their places.
    const nearly = !built || changed.length > order.length ? likely?.() ?? null : null
    const { kept, loose: unordered } = takeChanges(!built || nearly !== null)
    const loose = nearly ? inLikelyOrder(unordered, nearly) : unordered
    if (loose.length === 0) {
      built = true
      return
    }
    taken = loose
    const isOurs = (): boolean => taken === loose
    source.sorting?.(loose.length)
    const merge = createSlicedMerge({ sorted: kept, loose, compare, compareOnce: source.compareOnce, isStale, anyStale: () => changed.length > 0 })
    while (isOurs() && !merge.step(performance.now() + SLICE_MS)) await nextTurn()
    if (!isOurs()) return
    order = merge.result()
    built = true
    taken = null
    source.sorting?.(0)
  }

  return {
    get built () { return built },
    get settled () { return built && taken === null && changed.length === 0 },
    get inUse () { return built || wanted },
    touch,
    read,
    settle,
    clear: () => {
      if (taken !== null) source.sorting?.(0)
      taken = null
      order = new Uint32Array(0)
      stale = new Uint8Array(0)
      changed = []
      built = false
      wanted = false
    }
  }
}

function withoutMarked (slots: Uint32Array, marks: Uint8Array): Uint32Array {
  const kept = new Uint32Array(slots.length)
  let length = 0
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number
    if (marks[slot] !== 1) kept[length++] = slot
  }
  return kept.subarray(0, length)
}

/** The slots, those of the likely order first. */
function inLikelyOrder (slots: Uint32Array, likely: Uint32Array | null): Uint32Array {
  if (!likely) return slots
  let most = 0
  for (let i = 0; i < slots.length; i++) most = Math.max(most, slots[i] as number)
  const waiting = new Uint8Array(most + 1)
  for (let i = 0; i < slots.length; i++) waiting[slots[i] as number] = 1
  const ordered = new Uint32Array(slots.length)
  let length = 0
  for (const some of [likely, slots]) {
    for (let i = 0; i < some.length; i++) {
      const slot = some[i] as number
      if (waiting[slot] !== 1) continue
      waiting[slot] = 0
      ordered[length++] = slot
    }
  }
  return ordered
}

/** Few are put into their places by halving, many by walking along both. */
function mergeSorted (kept: Uint32Array, loose: Uint32Array, compare: Compare): Uint32Array {
  if (kept.length === 0) return loose
  if (loose.length === 0) return kept
  const out = new Uint32Array(kept.length + loose.length)
  const few = loose.length * 16 < kept.length
  let from = 0
  let at = 0
  for (const slot of loose) {
    const to = few ? placeOf(kept, slot, from, compare) : walkTo(kept, slot, from, compare)
    out.set(kept.subarray(from, to), at)
    at += to - from
    out[at++] = slot
    from = to
  }
  out.set(kept.subarray(from), at)
  return out
}

function placeOf (kept: Uint32Array, slot: number, from: number, compare: Compare): number {
  let low = from
  let high = kept.length
  while (low < high) {
    const middle = low + high >>> 1
    if (compare(kept[middle] as number, slot) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function walkTo (kept: Uint32Array, slot: number, from: number, compare: Compare): number {
  let at = from
  while (at < kept.length && compare(kept[at] as number, slot) < 0) at++
  return at
}

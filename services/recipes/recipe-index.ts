import { createRecipeColumns, type RecipeColumns } from './recipe-columns.ts'
import { titleKeyOf } from './recipe-entry.ts'
import { createRecipePostings, type RecipePostings } from './recipe-postings.ts'
import type { StoredRecipe } from './recipe-store.ts'
import { createSlotOrder, type SlotOrder } from './slot-order.ts'

/**
 * The recipes in memory, each in a slot. Of several files with one id only the newest is shown.
 * Reads are synchronous and touch neither disk nor database.
 */
export interface RecipeIndex {
  /** Grows with every change. */
  readonly version: number
  readonly size: number
  /** Slots that were ever used: masks are as long. */
  readonly slots: number
  at (slot: number): StoredRecipe | undefined
  get (id: string): StoredRecipe | undefined
  slotOf (id: string): number | undefined
  entries (): Generator<[number, StoredRecipe]>
  readonly byDate: SlotOrder
  readonly byTitle: SlotOrder
  readonly postings: RecipePostings
  readonly columns: RecipeColumns
  /** Ids of rows; answers ids that more than one file bears, with the files that are not shown. */
  apply (change: { upsert?: readonly StoredRecipe[], remove?: readonly number[] }): Shadowed[]
  /** Told of slots whose recipe is new, another, or gone (undefined), and of what was there before. */
  onSlot (listener: SlotListener): void
  clear (): void
}

type SlotListener = (slot: number, entry: StoredRecipe | undefined, former: StoredRecipe | undefined) => void

export interface Shadowed { id: string, shown: string, hidden: string }

export function createRecipeIndex (): RecipeIndex {
  const entries: (StoredRecipe | undefined)[] = []
  const free: number[] = []
  const slotById = new Map<string, number>()
  const idOfRow = new Map<number, string>()
  /** All files of an id that more than one file bears. */
  const rivals = new Map<string, StoredRecipe[]>()
  const listeners: SlotListener[] = []
  const postings = createRecipePostings(each)
  const columns = createRecipeColumns()
  let version = 0

  const all = (): number[] => [...slotById.values()]
  const at = (slot: number): StoredRecipe | undefined => entries[slot]
  const byDate = createSlotOrder((a, b) => compareDates(a, b) || comparePaths(entries[a], entries[b]) || a - b, all)
  const byTitle = createSlotOrder((a, b) => compareTitles(entries[a], entries[b]) || comparePaths(entries[a], entries[b]) || a - b, all)

  /** Newest first. */
  function compareDates (a: number, b: number): number {
    const { date } = columns
    return (date[b] ?? 0) - (date[a] ?? 0)
  }

  function * each (): Generator<[number, StoredRecipe]> {
    for (const slot of slotById.values()) {
      const entry = entries[slot]
      if (entry) yield [slot, entry]
    }
  }

  function show (id: string, entry: StoredRecipe | undefined): void {
    const slot = slotById.get(id) ?? free.pop() ?? entries.length
    const former = entries[slot]
    if (former) {
      byDate.remove(slot)
      byTitle.remove(slot)
    }
    postings.change(slot, former, entry)
    entries[slot] = entry
    if (entry) {
      slotById.set(id, slot)
      columns.put(slot, entry)
      byDate.add(slot)
      byTitle.add(slot)
    } else {
      slotById.delete(id)
      free.push(slot)
    }
    for (const listener of listeners) listener(slot, entry, former)
  }

  function remove (row: number): void {
    const id = idOfRow.get(row)
    if (id === undefined) return
    idOfRow.delete(row)
    const others = (rivals.get(id) ?? []).filter((entry) => entry.id !== row)
    if (others.length > 1) rivals.set(id, others)
    else rivals.delete(id)
    const slot = slotById.get(id)
    if (slot !== undefined && entries[slot]?.id === row) show(id, newest(others))
  }

  function put (entry: StoredRecipe): Shadowed[] {
    const id = entry.recipeId
    if (idOfRow.has(entry.id) && idOfRow.get(entry.id) !== id) remove(entry.id)
    idOfRow.set(entry.id, id)
    const slot = slotById.get(id)
    const shown = slot === undefined ? undefined : entries[slot]
    if (!shown) {
      // at a start all of them
      show(id, entry)
      return []
    }
    const known = rivals.get(id) ?? [shown]
    const bearers = [...known.filter((other) => other.id !== entry.id), entry]
    if (bearers.length > 1) rivals.set(id, bearers)
    const best = newest(bearers) ?? entry
    if (best !== shown) show(id, best)
    return bearers.filter((other) => other !== best).map((other) => ({ id, shown: best.jsonPath, hidden: other.jsonPath }))
  }

  return {
    get version () { return version },
    get size () { return slotById.size },
    get slots () { return entries.length },
    at,
    get (id) {
      const slot = slotById.get(id)
      return slot === undefined ? undefined : entries[slot]
    },
    slotOf: (id) => slotById.get(id),
    entries: each,
    byDate,
    byTitle,
    postings,
    columns,
    apply ({ upsert = [], remove: gone = [] }) {
      for (const row of gone) remove(row)
      const shadowed = upsert.flatMap(put)
      if (upsert.length + gone.length > 0) version++
      return shadowed
    },
    onSlot: (listener) => { listeners.push(listener) },
    clear () {
      for (const id of [...slotById.keys()]) show(id, undefined)
      rivals.clear()
      idOfRow.clear()
      entries.length = 0
      free.length = 0
      postings.clear()
      byDate.forget()
      byTitle.forget()
      version++
    }
  }
}

function newest (entries: readonly StoredRecipe[]): StoredRecipe | undefined {
  return entries.reduce<StoredRecipe | undefined>((best, entry) => !best || (entry.modified - best.modified || entry.mtime - best.mtime) > 0 ? entry : best, undefined)
}

function compareTitles (a: StoredRecipe | undefined, b: StoredRecipe | undefined): number {
  return a && b ? compareTexts(titleKeyOf(a), titleKeyOf(b)) : 0
}

function comparePaths (a: StoredRecipe | undefined, b: StoredRecipe | undefined): number {
  return a && b ? compareTexts(a.image.path, b.image.path) : 0
}

function compareTexts (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

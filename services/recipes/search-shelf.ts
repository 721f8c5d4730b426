import { setImmediate as nextTurn } from 'node:timers/promises'
import { textsOf, titleKeyOf } from './recipe-entry.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { StoredRecipe, WholeRecipe } from './recipe-store.ts'
import { createRecipeSearch, type SearchColumn } from './recipe-search.ts'
import type { RecipeQuery } from './ports.ts'

/** The search index, filled behind the requests: whoever searches waits until it holds all recipes. */
export interface SearchShelf {
  /** Takes in what is waiting, in slices. */
  settle (): Promise<void>
  /** 1 for each slot that is found; call `settle` first. */
  find (query: Pick<RecipeQuery, 'search' | 'searchIn'>): Uint8Array
}

const SLICE_MS = 6
const PATIENCE_MS = 400
/** Recipes that are read together. */
const AT_ONCE = 20

const columnsOf: Record<keyof RecipeQuery['searchIn'], readonly SearchColumn[]> = {
  title: ['title'],
  tags: ['tags'],
  loraName: ['loraName'],
  loraModel: ['loraModel'],
  prompt: ['prompt', 'negative']
}
const fields = Object.keys(columnsOf) as (keyof RecipeQuery['searchIn'])[]

export interface SearchShelfDeps {
  index: RecipeIndex
  /** Rows with their bodies, in their order. */
  readAll: (rows: readonly StoredRecipe[]) => (WholeRecipe | undefined)[]
  /** What else is done behind the requests, once all recipes are in. */
  prepare: () => Promise<void>
  onError: (error: unknown) => void
}

export function createSearchShelf ({ index, readAll, prepare, onError }: SearchShelfDeps): SearchShelf {
  const words = createRecipeSearch()
  const waiting = new Set<number>()
  let filling: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null

  index.onSlot((slot, entry) => {
    words.drop(slot)
    if (entry) waiting.add(slot)
    else waiting.delete(slot)
    // Whoever loads many recipes is let finish first.
    if (timer) timer.refresh()
    else {
      timer = setTimeout(() => {
        timer = null
        settle().then(prepare).catch(onError)
      }, PATIENCE_MS).unref()
    }
  })

  function takeIn (slots: readonly number[]): void {
    for (const slot of slots) waiting.delete(slot)
    const there = slots.filter((slot) => index.at(slot) !== undefined)
    const entries = there.flatMap((slot) => index.at(slot) ?? [])
    for (const [at, whole] of readAll(entries).entries()) if (whole) words.put(there[at] ?? 0, textsOf(whole))
    // else the first list by name would wait for all of them
    for (const entry of entries) titleKeyOf(entry)
  }

  async function fill (): Promise<void> {
    await nextTurn()
    while (waiting.size > 0) {
      const begun = performance.now()
      while (waiting.size > 0 && performance.now() - begun < SLICE_MS) {
        takeIn(firstOf(waiting, AT_ONCE))
      }
      await nextTurn()
    }
  }

  async function settle (): Promise<void> {
    if (waiting.size === 0 && !filling) return
    filling ??= fill().finally(() => { filling = null })
    await filling
  }

  return {
    settle,
    find ({ search, searchIn }) {
      const chosen = fields.filter((field) => searchIn[field])
      return words.find(search, (chosen.length > 0 ? chosen : fields).flatMap((field) => columnsOf[field]), index.slots)
    }
  }
}

function firstOf (slots: ReadonlySet<number>, most: number): number[] {
  const first: number[] = []
  for (const slot of slots) if (first.push(slot) >= most) break
  return first
}

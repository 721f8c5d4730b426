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

const columnsOf: Record<keyof RecipeQuery['searchIn'], readonly SearchColumn[]> = {
  title: ['title'],
  tags: ['tags'],
  loraName: ['loraName'],
  loraModel: ['loraModel'],
  prompt: ['prompt', 'negative']
}
const fields = Object.keys(columnsOf) as (keyof RecipeQuery['searchIn'])[]

export function createSearchShelf (index: RecipeIndex, read: (row: StoredRecipe) => WholeRecipe | undefined, onError: (error: unknown) => void): SearchShelf {
  const words = createRecipeSearch()
  const waiting = new Set<number>()
  let filling: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null

  index.onSlot((slot, entry) => {
    words.drop(slot)
    if (entry) waiting.add(slot)
    else waiting.delete(slot)
    // Whoever loads many recipes is let finish first.
    timer ??= setTimeout(() => {
      timer = null
      settle().catch(onError)
    }, PATIENCE_MS).unref()
  })

  async function fill (): Promise<void> {
    await nextTurn()
    while (waiting.size > 0) {
      const begun = performance.now()
      for (const slot of waiting) {
        waiting.delete(slot)
        const entry = index.at(slot)
        const whole = entry && read(entry)
        if (whole) words.put(slot, textsOf(whole))
        // else the first list by name would wait for all of them
        if (entry) titleKeyOf(entry)
        if (performance.now() - begun > SLICE_MS) break
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

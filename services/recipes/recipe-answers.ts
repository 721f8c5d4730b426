import { LRUCache } from 'lru-cache'
import type { RecipeQuery } from './ports.ts'
import { fileUrl, formattedDates, type LoraFacts, type Presenter } from './present-recipe.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { RecipeFacts } from './recipe-row.ts'
import { factsOf, type StoredRecipe, type WholeRecipe } from './recipe-store.ts'

export interface AnswerDeps {
  index: RecipeIndex
  /** Rows with their bodies, in their order. */
  readAll: (rows: readonly StoredRecipe[]) => (WholeRecipe | undefined)[]
  presenter: Presenter
  select: (query: RecipeQuery) => readonly number[]
  /** Changes with whatever decides what items say of models. */
  modelStamp: () => string
  /** Changes with whatever decides which recipes a query finds, in which order, and what items say. */
  selectionStamp: () => string
}

/** JSON of recipes as lists show them, in the order of the slots; undefined for one that went a moment ago. */
export type ItemsOf = (slots: readonly number[]) => (string | undefined)[]

export interface RecipeAnswers {
  /** UTF-8 JSON of `{items, total, page, page_size, total_pages}`. */
  list (query: RecipeQuery): Buffer
  /** JSON that is made once for as long as neither recipes nor models change. */
  kept (name: string, make: (items: ItemsOf) => string): Buffer
}

const READ_AT_ONCE = 200
const MOST_SELECTIONS = 32
/** Pages of a hundred are some 200 KB each. */
const MOST_PAGE_BYTES = 8 * 1024 * 1024

/** Lists are put together from pieces that are JSON already. Whole pages are kept, outside of the heap, rather than their items. */
export function createRecipeAnswers ({ index, readAll, presenter, select, modelStamp, selectionStamp }: AnswerDeps): RecipeAnswers {
  const pages = new LRUCache<string, { stamp: string, body: Buffer }>({ maxSize: MOST_PAGE_BYTES, sizeCalculation: ({ body }) => body.length })
  const selections = new LRUCache<string, { stamp: string, slots: readonly number[] }>({ max: MOST_SELECTIONS })
  const others = new Map<string, { stamp: string, body: Buffer }>()

  /** Calls back for every slot that is still there, in order. */
  function eachWhole (slots: readonly number[], take: (whole: WholeRecipe, at: number) => void): void {
    for (let from = 0; from < slots.length; from += READ_AT_ONCE) {
      const places: number[] = []
      const rows: StoredRecipe[] = []
      for (let at = from; at < Math.min(from + READ_AT_ONCE, slots.length); at++) {
        const row = index.at(slots[at] ?? -1)
        if (row) rows.push(row)
        if (row) places.push(at)
      }
      for (const [n, whole] of readAll(rows).entries()) if (whole) take(whole, places[n] ?? 0)
    }
  }

  function itemsOf (slots: readonly number[]): (string | undefined)[] {
    const items = new Array<string | undefined>(slots.length)
    eachWhole(slots, (whole, at) => {
      const pieces: string[] = []
      putItem(pieces, whole, presenter)
      items[at] = pieces.join('')
    })
    return items
  }

  function selection ({ page: _page, pageSize: _size, ...query }: RecipeQuery, stamp: string): readonly number[] {
    const key = JSON.stringify(query)
    const known = selections.get(key)
    if (known?.stamp === stamp) return known.slots
    const slots = select({ ...query, page: 1, pageSize: 1 })
    selections.set(key, { stamp, slots })
    return slots
  }

  function pageOf (query: RecipeQuery, stamp: string): Buffer {
    const slots = selection(query, stamp)
    const { page, pageSize } = query
    const pieces = ['{"items":[']
    eachWhole(slots.slice((page - 1) * pageSize, page * pageSize), (whole) => {
      if (pieces.length > 1) pieces.push(',')
      putItem(pieces, whole, presenter)
    })
    pieces.push(`],"total":${slots.length},"page":${page},"page_size":${pageSize},"total_pages":${Math.ceil(slots.length / pageSize)}}`)
    return Buffer.from(pieces.join(''))
  }

  return {
    kept (name, make) {
      const stamp = `${index.version}.${modelStamp()}`
      const known = others.get(name)
      if (known?.stamp === stamp) return known.body
      const body = Buffer.from(make(itemsOf))
      others.set(name, { stamp, body })
      return body
    },
    list (query) {
      const stamp = selectionStamp()
      const key = JSON.stringify(query)
      const known = pages.get(key)
      if (known?.stamp === stamp) return known.body
      const body = pageOf(query, stamp)
      pages.set(key, { stamp, body })
      return body
    }
  }
}

/** Pieces that are put together once, at the end: a page is a quarter of a megabyte. */
function putItem (pieces: string[], { row, body }: WholeRecipe, presenter: Presenter): void {
  const { image, created, modified } = row
  const facts = factsOf(row)
  pieces.push('{', body.members, ',"loras":[')
  if (body.loras !== '') {
    for (const [at, text] of body.loras.split('\n').entries()) {
      if (at > 0) pieces.push(',')
      pieces.push(presenter.loraJson(text, factsOfLora(facts, at), facts.baseModel))
    }
  }
  pieces.push('],"gen_params":', body.shownParams || body.params)
  if (body.checkpoint !== '') pieces.push(',"checkpoint":', presenter.checkpointJson(body.checkpoint, facts))
  const size = image.width !== null && image.height !== null ? `,"width":${image.width},"height":${image.height}` : ''
  pieces.push(`,"file_url":"${fileUrl(image.path)}"${datesJson(created, modified)}${size}}`)
}

/** Neither these nor addresses hold anything that JSON escapes. */
function datesJson (created: number, modified: number): string {
  const { created_date_formatted: then, modified_formatted: since } = formattedDates(created, modified)
  return (then === undefined ? '' : `,"created_date_formatted":"${then}"`) + (since === undefined ? '' : `,"modified_formatted":"${since}"`)
}

function factsOfLora ({ hashes, versions, names }: RecipeFacts, at: number): LoraFacts {
  return { hash: hashes[at] ?? '', version: versions[at] ?? 0, name: names[at] ?? '' }
}

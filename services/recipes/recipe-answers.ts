import { LRUCache } from 'lru-cache'
import { createByteCollector } from './byte-collector.ts'
import type { RecipeQuery } from './ports.ts'
import { fileUrl, formattedDates, type LoraFacts, type Presenter } from './present-recipe.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { RecipeFacts } from './recipe-row.ts'
import type { RecipeSelection } from './select-recipes.ts'
import { factsOf, type StoredRecipe, type WholeRecipe } from './recipe-store.ts'

export interface AnswerDeps {
  index: RecipeIndex
  /** Rows with their bodies, in their order. */
  readAll: (rows: readonly StoredRecipe[]) => (WholeRecipe | undefined)[]
  presenter: Presenter
  select: (query: RecipeQuery) => RecipeSelection
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
  /** JSON that is made once for as long as neither recipes nor models change, from the texts that `fill` adds. */
  kept (name: string, fill: (add: (json: string) => void, items: ItemsOf) => void): Buffer
}

const READ_AT_ONCE = 200
const MOST_SELECTIONS = 32
/** Pages of a hundred are some 200 KB each. */
const MOST_PAGE_BYTES = 8 * 1024 * 1024

/** Lists are put together from pieces that are JSON already. Whole pages are kept, outside of the heap, rather than their items. */
export function createRecipeAnswers ({ index, readAll, presenter, select, modelStamp, selectionStamp }: AnswerDeps): RecipeAnswers {
  const pages = new LRUCache<string, { stamp: string, body: Buffer }>({ maxSize: MOST_PAGE_BYTES, sizeCalculation: ({ body }) => body.length })
  const selections = new LRUCache<string, { stamp: string, selection: RecipeSelection }>({ max: MOST_SELECTIONS })
  const others = new Map<string, { stamp: string, body: Buffer }>()
  const collect = createByteCollector()

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
    eachWhole(slots, (whole, at) => { items[at] = itemJson(whole, presenter) })
    return items
  }

  function selectionOf ({ page: _page, pageSize: _size, ...query }: RecipeQuery, stamp: string): RecipeSelection {
    const key = JSON.stringify(query)
    const known = selections.get(key)
    if (known?.stamp === stamp) return known.selection
    const selection = select({ ...query, page: 1, pageSize: 1 })
    selections.set(key, { stamp, selection })
    return selection
  }

  function pageOf (query: RecipeQuery, stamp: string): Buffer {
    const { page, pageSize } = query
    const { slots, settle } = selectionOf(query, stamp)
    const from = Math.min((page - 1) * pageSize, slots.length)
    const to = Math.min(from + pageSize, slots.length)
    settle(from, to)
    const end = `],"total":${slots.length},"page":${page},"page_size":${pageSize},"total_pages":${Math.ceil(slots.length / pageSize)}}`
    return collect((add) => {
      add('{"items":[')
      let between = ''
      eachWhole(Array.from({ length: to - from }, (_, at) => slots[from + at] ?? -1), (whole) => {
        add(between + itemJson(whole, presenter))
        between = ','
      })
      add(end)
    })
  }

  return {
    kept (name, fill) {
      const stamp = `${index.version}.${modelStamp()}`
      const known = others.get(name)
      if (known?.stamp === stamp) return known.body
      const body = collect((add) => { fill(add, itemsOf) })
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

function itemJson ({ row, body }: WholeRecipe, presenter: Presenter): string {
  const { image, created, modified } = row
  const facts = factsOf(row)
  let json = `{${body.members},"loras":[`
  if (body.loras !== '') {
    for (const [at, text] of body.loras.split('\n').entries()) {
      if (at > 0) json += ','
      json += presenter.loraJson(text, factsOfLora(facts, at), facts.baseModel)
    }
  }
  json += `],"gen_params":${body.shownParams || body.params}`
  if (body.checkpoint !== '') json += `,"checkpoint":${presenter.checkpointJson(body.checkpoint, facts)}`
  const size = image.width !== null && image.height !== null ? `,"width":${image.width},"height":${image.height}` : ''
  return `${json},"file_url":"${fileUrl(image.path)}"${datesJson(created, modified)}${size}}`
}

/** Neither these nor addresses hold anything that JSON escapes. */
function datesJson (created: number, modified: number): string {
  const { created_date_formatted: then, modified_formatted: since } = formattedDates(created, modified)
  return (then === undefined ? '' : `,"created_date_formatted":"${then}"`) + (since === undefined ? '' : `,"modified_formatted":"${since}"`)
}

function factsOfLora ({ hashes, versions, names }: RecipeFacts, at: number): LoraFacts {
  return { hash: hashes[at] ?? '', version: versions[at] ?? 0, name: names[at] ?? '' }
}

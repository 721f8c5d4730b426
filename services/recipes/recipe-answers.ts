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
  /** Changes with whatever else decides which recipes a query finds, and in which order. */
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

const MOST_ITEMS = 2000
const READ_AT_ONCE = 200
const MOST_SELECTIONS = 32

/** Lists are put together from items that are JSON already; an item is made when it is first asked for. */
export function createRecipeAnswers ({ index, readAll, presenter, select, modelStamp, selectionStamp }: AnswerDeps): RecipeAnswers {
  const items = new LRUCache<number, { stamp: string, json: string }>({ max: MOST_ITEMS })
  const selections = new LRUCache<string, { stamp: string, slots: readonly number[] }>({ max: MOST_SELECTIONS })
  const others = new Map<string, { stamp: string, body: Buffer }>()
  index.onSlot((slot) => { items.delete(slot) })

  function itemsOf (slots: readonly number[]): (string | undefined)[] {
    const stamp = modelStamp()
    const shown = slots.map((slot) => {
      const known = items.get(slot)
      return known?.stamp === stamp ? known.json : undefined
    })
    const lacking = slots.flatMap((slot, at) => {
      const entry = shown[at] === undefined ? index.at(slot) : undefined
      return entry ? [{ slot, at, entry }] : []
    })
    for (let from = 0; from < lacking.length; from += READ_AT_ONCE) {
      const some = lacking.slice(from, from + READ_AT_ONCE)
      const wholes = readAll(some.map(({ entry }) => entry))
      for (const [n, { slot, at }] of some.entries()) {
        const whole = wholes[n]
        if (!whole) continue
        const json = itemJson(whole, presenter)
        shown[at] = json
        items.set(slot, { stamp, json })
      }
    }
    return shown
  }

  function selection ({ page: _page, pageSize: _size, ...query }: RecipeQuery): readonly number[] {
    const key = JSON.stringify(query)
    const stamp = selectionStamp()
    const known = selections.get(key)
    if (known?.stamp === stamp) return known.slots
    const slots = select({ ...query, page: 1, pageSize: 1 })
    selections.set(key, { stamp, slots })
    return slots
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
      const slots = selection(query)
      const { page, pageSize } = query
      const shown = itemsOf(slots.slice((page - 1) * pageSize, page * pageSize)).filter((item) => item !== undefined)
      return Buffer.from(`{"items":[${shown.join(',')}],"total":${slots.length},"page":${page},"page_size":${pageSize},"total_pages":${Math.ceil(slots.length / pageSize)}}`)
    }
  }
}

function itemJson ({ row, body }: WholeRecipe, presenter: Presenter): string {
  const { image, created, modified } = row
  const { members, shownParams: shown, params } = body
  const facts = factsOf(row)
  const loras = body.loras === '' ? '' : body.loras.split('\n').map((text, at) => presenter.loraJson(text, factsOfLora(facts, at), facts.baseModel)).join(',')
  const checkpoint = body.checkpoint === '' ? '' : `,"checkpoint":${presenter.checkpointJson(body.checkpoint, facts)}`
  const rest = {
    file_url: fileUrl(image.path),
    ...formattedDates(created, modified),
    ...(image.width !== null && image.height !== null && { width: image.width, height: image.height })
  }
  return `{${members},"loras":[${loras}],"gen_params":${shown || params}${checkpoint},${JSON.stringify(rest).slice(1)}`
}

function factsOfLora ({ hashes, versions, names }: RecipeFacts, at: number): LoraFacts {
  return { hash: hashes[at] ?? '', version: versions[at] ?? 0, name: names[at] ?? '' }
}

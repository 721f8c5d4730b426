import { LRUCache } from 'lru-cache'
import type { RecipeQuery } from './ports.ts'
import { fileUrl, formattedDates, type LoraFacts, type Presenter } from './present-recipe.ts'
import type { RecipeIndex } from './recipe-index.ts'
import type { StoredRecipe, WholeRecipe } from './recipe-store.ts'

export interface AnswerDeps {
  index: RecipeIndex
  /** A row with its body. */
  read: (row: StoredRecipe) => WholeRecipe | undefined
  presenter: Presenter
  select: (query: RecipeQuery) => readonly number[]
  /** Changes with whatever decides what items say of models. */
  modelStamp: () => string
  /** Changes with whatever else decides which recipes a query finds, and in which order. */
  selectionStamp: () => string
}

export interface RecipeAnswers {
  /** UTF-8 JSON of `{items, total, page, page_size, total_pages}`. */
  list (query: RecipeQuery): Buffer
  /** JSON that is made once for as long as neither recipes nor models change. */
  kept (name: string, make: (item: (slot: number) => string | undefined) => string): Buffer
}

const MOST_ITEMS = 6000
const MOST_SELECTIONS = 32

/** Lists are put together from items that are JSON already; an item is made when it is first asked for. */
export function createRecipeAnswers ({ index, read, presenter, select, modelStamp, selectionStamp }: AnswerDeps): RecipeAnswers {
  const items = new LRUCache<number, { stamp: string, json: string }>({ max: MOST_ITEMS })
  const selections = new LRUCache<string, { stamp: string, slots: readonly number[] }>({ max: MOST_SELECTIONS })
  const others = new Map<string, { stamp: string, body: Buffer }>()
  index.onSlot((slot) => { items.delete(slot) })

  /** Undefined for one that went a moment ago. */
  function item (slot: number, stamp: string): string | undefined {
    const known = items.get(slot)
    if (known?.stamp === stamp) return known.json
    const entry = index.at(slot)
    const whole = entry && read(entry)
    if (!whole) return undefined
    const json = itemJson(whole, presenter)
    items.set(slot, { stamp, json })
    return json
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
      const models = modelStamp()
      const stamp = `${index.version}.${models}`
      const known = others.get(name)
      if (known?.stamp === stamp) return known.body
      const body = Buffer.from(make((slot) => item(slot, models)))
      others.set(name, { stamp, body })
      return body
    },
    list (query) {
      const slots = selection(query)
      const { page, pageSize } = query
      const stamp = modelStamp()
      const shown = slots.slice((page - 1) * pageSize, page * pageSize).flatMap((slot) => item(slot, stamp) ?? [])
      return Buffer.from(`{"items":[${shown.join(',')}],"total":${slots.length},"page":${page},"page_size":${pageSize},"total_pages":${Math.ceil(slots.length / pageSize)}}`)
    }
  }
}

function itemJson ({ row, body }: WholeRecipe, presenter: Presenter): string {
  const { facts, image } = row
  const { members, shownParams: shown, params } = body
  const loras = body.loras === '' ? '' : body.loras.split('\n').map((text, at) => presenter.loraJson(text, factsOfLora(facts, at), facts.baseModel)).join(',')
  const checkpoint = body.checkpoint === '' ? '' : `,"checkpoint":${presenter.checkpointJson(body.checkpoint, facts.checkpoint)}`
  const rest = {
    file_url: fileUrl(image.path),
    ...formattedDates(facts.created, facts.modified),
    ...(image.width !== null && image.height !== null && { width: image.width, height: image.height })
  }
  return `{${members},"loras":[${loras}],"gen_params":${shown || params}${checkpoint},${JSON.stringify(rest).slice(1)}`
}

function factsOfLora ({ hashes, versions, names }: StoredRecipe['facts'], at: number): LoraFacts {
  return { hash: hashes[at] ?? '', version: versions[at] ?? 0, name: names[at] ?? '' }
}

import { packedText, type PackedModel } from './packed-model.ts'
import type { ModelIndex } from './ports.ts'
import type { ModelStore } from './store.ts'

export interface LoadModelsDeps {
  store: ModelStore
  index: ModelIndex
  /** Roots that are configured; rows of others are not shown. */
  hasRoot (id: string): boolean
  isStopped (): boolean
}

/** Rows of a load that are shown only when it is done. */
const HELD = 32

/** Brings all rows into the index, in the usual order; answers how many, null when it was stopped. */
export async function loadModels ({ store, index, hasRoot, isStopped }: LoadModelsDeps): Promise<number | null> {
  const type = index.type.name
  let count = 0
  let last: PackedModel[] = []
  const order = store.nameOrder(type)
  index.bulk(true, { sortsLater: order !== null })
  for await (const slice of store.loadSlices(type)) {
    if (isStopped()) return null
    const shown = slice.filter(({ packed }) => hasRoot(packedText(packed, 'root_id')))
    // The last few wait until the others are in order, so that a list that has all of them has them in order.
    index.apply({ upsert: last.concat(shown.slice(0, -HELD)) })
    last = shown.slice(-HELD)
    count += slice.length
  }
  await index.prepareNames(order)
  if (isStopped()) return null
  index.apply({ upsert: last })
  index.bulk(false)
  return count
}

import { textHash } from './recipe-columns.ts'
import type { RecipeIndex } from './recipe-index.ts'

const DEFAULT_SEED = 'recipes'
/** High bits of a key that tell its bucket: mostly one recipe in each. */
const BUCKETS = 2 ** 16

/** All slots in an order that the seed alone decides: the pages of one seed are one order, whatever is filtered. */
export function randomOrder (index: RecipeIndex, seed: string): number[] {
  const start = mix(textHash(seed || DEFAULT_SEED))
  const slots = index.byDate.slots()
  const { idHash } = index.columns
  const keys = new Uint32Array(slots.length)
  for (let at = 0; at < keys.length; at++) keys[at] = mix((idHash[slots[at] ?? 0] ?? 0) ^ start)
  const ends = new Uint32Array(BUCKETS)
  for (let at = 0; at < keys.length; at++) {
    const bucket = (keys[at] ?? 0) >>> 16
    ends[bucket] = (ends[bucket] ?? 0) + 1
  }
  for (let bucket = 1; bucket < BUCKETS; bucket++) ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0)
  const places = new Uint32Array(keys.length)
  for (let at = keys.length - 1; at >= 0; at--) {
    const bucket = (keys[at] ?? 0) >>> 16
    const place = (ends[bucket] ?? 1) - 1
    ends[bucket] = place
    places[place] = at
  }
  orderNeighbours(places, keys)
  const order = new Array<number>(places.length)
  for (let place = 0; place < order.length; place++) order[place] = slots[places[place] ?? 0] ?? 0
  return order
}

/** Those of one bucket stand together already, hardly ever more than a few. */
function orderNeighbours (places: Uint32Array, keys: Uint32Array): void {
  for (let end = 1; end < places.length; end++) {
    const mine = places[end] ?? 0
    const key = keys[mine] ?? 0
    let to = end
    for (; to > 0 && (keys[places[to - 1] ?? 0] ?? 0) > key; to--) places[to] = places[to - 1] ?? 0
    places[to] = mine
  }
}

/** Spreads neighbouring values over all bits. */
function mix (value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}

import type { RecipeIndex } from './recipe-index.ts'

const DEFAULT_SEED = 'recipes'
/** Slots fit into so many bits beside a key of 32 in the mantissa of a number. */
const SLOT_BITS = 20

/** All slots in an order that the seed alone decides: the pages of one seed are one order, whatever is filtered. */
export function randomOrder (index: RecipeIndex, seed: string): number[] {
  const start = mix(textHash(seed || DEFAULT_SEED, 0x811c9dc5))
  const keys = new Float64Array(index.size)
  let count = 0
  for (const [slot, entry] of index.entries()) keys[count++] = mix(textHash(entry.recipeId, start)) * 2 ** SLOT_BITS + slot
  keys.sort()
  return Array.from(keys, (key) => key % 2 ** SLOT_BITS)
}

function textHash (text: string, start: number): number {
  let hash = start
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** Spreads neighbouring values over all bits. */
function mix (value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}

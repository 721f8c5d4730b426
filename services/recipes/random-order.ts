import { createBits, setBit } from '../models/index/bit-set.ts'
import { spreadOrder } from '../models/index/spread-order.ts'
import type { SpreadOrder } from '../models/index/spread-order.ts'
import { textHash } from './recipe-columns.ts'
import type { RecipeIndex } from './recipe-index.ts'

const DEFAULT_SEED = 'recipes'

/** Slots in an order that the seed alone decides: the pages of one seed are one order, whatever is filtered. Good until recipes change. */
export function randomOrder ({ slots: size, columns: { idHash } }: Pick<RecipeIndex, 'slots' | 'columns'>, slots: readonly number[], seed: string): SpreadOrder {
  const members = createBits(size)
  for (const slot of slots) setBit(members, slot)
  return spreadOrder(members, idHash, textHash(seed || DEFAULT_SEED))
}

import { createBits, growBits } from './bit-set.ts'
import type { BitSet } from './bit-set.ts'

/** What filters, orders and look-ups need of each slot, in typed arrays of one length. */
export interface Columns {
  capacity: number
  id: Float64Array
  folder: Uint32Array
  base: Uint32Array
  subType: Uint32Array
  letter: Uint32Array
  root: Uint32Array
  modified: Float64Array
  size: Float64Array
  /** CivitAI version id, 0 without. */
  version: Float64Array
  /** What makes models versions of one another: a CivitAI model id, the negative number of a Hugging Face repository, 0 for none. */
  group: Float64Array
  autoTags: Uint8Array
  /** Characters of the path relative to its root, extension included. */
  pathLength: Uint32Array
}

/** Facts of a model that are one bit, kept as sets so that a filter is one operation over the words. */
export interface FlagSets {
  live: BitSet
  safe: BitSet
  favorite: BitSet
  tagged: BitSet
  /** May be used without credit. */
  noCredit: BitSet
  /** Images made with it may be sold. */
  selling: BitSet
}

const SMALLEST = 64

export function createColumns (): Columns {
  return sized(SMALLEST)
}

function sized (capacity: number): Columns {
  return {
    capacity,
    id: new Float64Array(capacity),
    folder: new Uint32Array(capacity),
    base: new Uint32Array(capacity),
    subType: new Uint32Array(capacity),
    letter: new Uint32Array(capacity),
    root: new Uint32Array(capacity),
    modified: new Float64Array(capacity),
    size: new Float64Array(capacity),
    version: new Float64Array(capacity),
    group: new Float64Array(capacity),
    autoTags: new Uint8Array(capacity),
    pathLength: new Uint32Array(capacity)
  }
}

export function createFlagSets (): FlagSets {
  return { live: createBits(SMALLEST), safe: createBits(SMALLEST), favorite: createBits(SMALLEST), tagged: createBits(SMALLEST), noCredit: createBits(SMALLEST), selling: createBits(SMALLEST) }
}

/** Doubles the room until `slot` has a place. */
export function makeRoom (columns: Columns, flags: FlagSets, slot: number): void {
  if (slot < columns.capacity) return
  const capacity = Math.max(slot + 1, columns.capacity * 2)
  const wider = sized(capacity)
  for (const name of Object.keys(wider) as (keyof Columns)[]) {
    const from = columns[name]
    const to = wider[name]
    if (typeof from !== 'number' && typeof to !== 'number') to.set(from)
  }
  Object.assign(columns, wider)
  for (const name of Object.keys(flags) as (keyof FlagSets)[]) flags[name] = growBits(flags[name], capacity)
}

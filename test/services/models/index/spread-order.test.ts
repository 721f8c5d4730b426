import t from 'tap'
import { createBits, setBit } from '../../../../services/models/index/bit-set.ts'
import { spreadOrder } from '../../../../services/models/index/spread-order.ts'
import { mix } from '../../../../services/models/index/text-hash.ts'

const LIMIT = 30_000
const SEED = 0x9e3779b9
const slots = Array.from({ length: LIMIT / 3 }, (_, i) => i * 3)
const keys = Uint32Array.from({ length: LIMIT }, (_, slot) => mix(slot + 1))

function setOf (members: readonly number[]): Uint32Array {
  const bits = createBits(LIMIT)
  for (const slot of members) setBit(bits, slot)
  return bits
}

/** Read in pages, as a client does. */
function read (members: readonly number[], seed: number, page = 100): number[] {
  const order = spreadOrder(setOf(members), keys, seed)
  const pages: number[][] = []
  for (let from = 0; from < order.slots.length; from += page) {
    const to = Math.min(from + page, order.slots.length)
    order.settle(from, to)
    pages.push([...order.slots.subarray(from, to)])
  }
  return pages.flat()
}

t.test('any stretch reads as if everything had been sorted', (t) => {
  const hash = (slot: number): number => mix((keys[slot] as number) ^ SEED)
  const expected = [...slots].sort((a, b) => hash(a) - hash(b))
  const order = spreadOrder(setOf(slots), keys, SEED)
  for (const [from, to] of [[9_980, 10_000], [0, 20], [5_000, 5_100], [4_990, 5_010], [7, 7], [0, 10_000]] as const) {
    order.settle(from, to)
    t.same([...order.slots.subarray(from, to)], expected.slice(from, to), `${from} to ${to}`)
  }
  t.end()
})

t.test('pages hold every member exactly once, another seed makes another order', (t) => {
  const pages = read(slots, SEED)
  t.same(read(slots, SEED, 37), pages, 'whatever the size of the pages')
  t.same([...pages].sort((a, b) => a - b), slots)
  const other = read(slots, SEED + 1)
  t.same([...other].sort((a, b) => a - b), slots)
  const moved = pages.filter((slot, place) => other[place] !== slot)
  t.ok(moved.length > 0.99 * slots.length, `${moved.length} have another place`)
  const neighbours = new Set(pages.slice(0, 100))
  t.ok(other.slice(0, 100).filter((slot) => neighbours.has(slot)).length < 15, 'and other neighbours')
  t.end()
})

t.test('who comes or goes moves no other', (t) => {
  const all = read(slots, SEED)
  const fewer = slots.filter((slot) => slot % 7 !== 0)
  t.same(read(fewer, SEED), all.filter((slot) => slot % 7 !== 0))
  t.end()
})

t.test('equal keys stay in the order of their slots, none is fine too', (t) => {
  const order = spreadOrder(setOf(slots), new Uint32Array(LIMIT), SEED)
  order.settle(0, slots.length)
  t.same([...order.slots], slots)
  const none = spreadOrder(createBits(LIMIT), keys, SEED)
  none.settle(0, 0)
  t.equal(none.slots.length, 0)
  t.end()
})

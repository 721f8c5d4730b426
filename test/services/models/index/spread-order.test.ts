import t from 'tap'
import { spreadOrder } from '../../../../services/models/index/spread-order.ts'
import { mix } from '../../../../services/models/index/text-hash.ts'

const slots = Uint32Array.from({ length: 10_000 }, (_, i) => i * 3)

t.test('any stretch reads as if everything had been sorted', (t) => {
  const expected = [...slots].sort((a, b) => mix(a) - mix(b))
  const order = spreadOrder(slots, mix)
  for (const [from, to] of [[9_980, 10_000], [0, 20], [5_000, 5_100], [4_990, 5_010], [7, 7], [0, 10_000]] as const) {
    order.settle(from, to)
    t.same([...order.slots.subarray(from, to)], expected.slice(from, to), `${from} to ${to}`)
  }
  t.end()
})

t.test('equal keys stay as they come, none is fine too', (t) => {
  const order = spreadOrder(slots, () => 0xffffffff)
  order.settle(0, slots.length)
  t.same([...order.slots], [...slots])
  const none = spreadOrder(new Uint32Array(0), mix)
  none.settle(0, 0)
  t.equal(none.slots.length, 0)
  t.end()
})

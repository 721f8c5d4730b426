import t from 'tap'
import { createGrowingCache } from '../../services/growing-cache.ts'

t.test('what was used last is kept, and no more than asked for', async (t) => {
  const cache = createGrowingCache<{ n: number }>(2)
  for (const n of [1, 2]) cache.set(String(n), { n })
  cache.get('1')
  cache.set('3', { n: 3 })
  t.same([...cache.keys()].sort(), ['1', '3'])
})

t.test('an entry ends with its time', async (t) => {
  let now = 1
  const cache = createGrowingCache<boolean>(10, { ttl: 100, perf: { now: () => now } })
  cache.set('a', true)
  now = 90
  t.equal(cache.get('a'), true)
  now = 200
  t.equal(cache.get('a'), undefined)
})

import t from 'tap'
import { createGrowingCache } from '../../services/growing-cache.ts'

t.test('what was used last is kept, and no more than asked for', async (t) => {
  const cache = createGrowingCache<{ n: number }>(2)
  for (const n of [1, 2]) cache.set(String(n), { n })
  cache.get('1')
  cache.set('3', { n: 3 })
  t.same([...cache.keys()].sort(), ['1', '3'])
})

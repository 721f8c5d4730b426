import t from 'tap'
import { eachModel } from '../../../services/models/each-model.ts'
import type { IndexedModel } from '../../../services/models/entry.ts'

/** Models that take as long to make as a thousand of a large library. */
function * slow (...paths: string[]): Generator<IndexedModel> {
  for (const path of paths) {
    const until = performance.now() + 10
    while (performance.now() < until) continue
    yield { file_path: path } as IndexedModel
  }
}

t.test('all models are gone through in their order while others get their turn', async (t) => {
  const index = { entries: () => slow('a', 'b', 'c'), excluded: () => slow('d') }
  const seen: string[] = []
  let turns = 0
  let going = true
  const tick = (): void => {
    turns++
    if (going) setImmediate(tick)
  }
  setImmediate(tick)
  const turnsAt: number[] = []
  await eachModel(index, ({ file_path: path }) => {
    seen.push(path)
    turnsAt.push(turns)
  }, { excluded: true })
  going = false
  t.same(seen, ['a', 'b', 'c', 'd'])
  t.ok(turnsAt.every((count, at) => at === 0 || count > (turnsAt[at - 1] ?? 0)), `a turn between each two: ${turnsAt.join(' ')}`)
})

t.test('excluded models are left out unless they are asked for', async (t) => {
  const seen: string[] = []
  await eachModel({ entries: () => slow('a'), excluded: () => slow('b') }, ({ file_path: path }) => { seen.push(path) })
  t.same(seen, ['a'])
})

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createUsageCounts } from '../../../services/stats/usage-counts.ts'

t.test('counts come from all buckets, in the form of today and of old', async (t) => {
  const dir = t.testdir({
    'new.json': JSON.stringify({ loras: { aa: { total: 3, history: { '2026-01-01': 3 } } }, checkpoints: { BB: { total: 2.9 } }, embeddings: { aa: { total: 1 } }, total_executions: 9 }),
    'old.json': JSON.stringify({ loras: { aa: 4 }, checkpoints: { bb: -1, cc: 'x', dd: null } })
  })
  const counts = createUsageCounts({ file: join(dir, 'new.json') })
  await counts.refresh()
  t.same(['aa', 'AA', 'bb', 'zz', ''].map((sha256) => counts.count({ sha256 })), [4, 4, 2, 0, 0])
  const old = createUsageCounts({ file: join(dir, 'old.json') })
  await old.refresh()
  t.same(['aa', 'bb', 'cc', 'dd'].map((sha256) => old.count({ sha256 })), [4, 0, 0, 0])
})

t.test('a changed file is read again, a broken one changes nothing, a removed one counts nothing', async (t) => {
  const file = join(t.testdir(), 'stats.json')
  const clock = { now: 0 }
  const faults: string[] = []
  const counts = createUsageCounts({ file, now: () => clock.now, warn: (message) => { faults.push(message) } })
  const later = async () => {
    clock.now += 2000
    const before = counts.version
    await counts.refresh()
    return counts.version - before
  }
  t.equal(await later(), 0, 'no file, no counts')
  await writeFile(file, '{"loras":{"aa":{"total":1}}}')
  t.equal(await later(), 1)
  t.equal(counts.count({ sha256: 'aa' }), 1)
  t.equal(await later(), 0, 'unchanged')
  await writeFile(file, '{"loras":{"aa":{"total"')
  t.equal(await later(), 0)
  t.equal(counts.count({ sha256: 'aa' }), 1)
  t.equal(faults.length, 1)
  await writeFile(file, '{"loras":{"aa":{"total":25}}}')
  t.equal(await later(), 1)
  t.equal(counts.count({ sha256: 'aa' }), 25)
  await rm(file)
  t.equal(await later(), 1)
  t.equal(counts.count({ sha256: 'aa' }), 0)
})

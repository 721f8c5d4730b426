import t from 'tap'
import { percentile, reached, type Measurement } from '../../bench/measurement.ts'
import { mergeMeasurements, replaceTable, resultsTable, type Results } from '../../bench/report.ts'

const list = (models: number, value: number): Measurement => ({ part: 'lists', name: 'list', models, value, unit: 'ms', goal: { bound: 'most', value: 2 } })
const results = (measurements: Measurement[]): Results => ({
  measured_at: '2026-01-02T03:04:05.000Z',
  machine: { cpu: 'Some CPU', cores: 2, memory_gb: 8, node: '20.19.0', platform: 'linux x64', load_tool: 'wrk' },
  measurements
})

t.test('the table has a column per size and marks what misses its goal', async (t) => {
  const table = resultsTable(results([list(1_000, 0.25), list(100_000, 2.5), { part: 'hashing', name: 'hashing', models: null, value: 0.9, unit: 'ratio', goal: { bound: 'least', value: 0.85 } }]))
  t.match(table, '| | 1,000 models | 100,000 models | goal |')
  t.match(table, '| list | 0.25 ms | **2.50 ms** | ≤ 2 ms |')
  t.match(table, '| hashing |  | 0.90 × | ≥ 0.85 × |')
  t.match(table, '1 of 3 figures miss their goal')
  t.match(resultsTable(results([list(1_000, 1)])), 'Every goal is reached.')
})

t.test('goals that grow with the library are all told, the one of the smallest first', async (t) => {
  t.match(resultsTable(results([{ ...list(100_000, 3), goal: { bound: 'most', value: 5 } }, list(1_000, 1)])), '| list | 1.00 ms | 3.00 ms | ≤ 2 ms, ≤ 5 ms |')
})

t.test('only what stands between the markers is replaced', async (t) => {
  const document = '# a\n<!-- bench:start -->\nold\n<!-- bench:end -->\nrest\n'
  t.equal(replaceTable(document, 'new'), '# a\n<!-- bench:start -->\nnew\n<!-- bench:end -->\nrest\n')
  t.throws(() => replaceTable('# no markers', 'new'), /bench:start/)
})

t.test('measuring one part again keeps the figures of the others', async (t) => {
  const merged = mergeMeasurements([list(1_000, 1), list(20_000, 2)], [list(20_000, 3), list(100_000, 4)])
  t.same(merged.map(({ models, value }) => [models, value]), [[1_000, 1], [20_000, 3], [100_000, 4]])
})

t.test('what a part no longer measures goes with its next run', async (t) => {
  const merged = mergeMeasurements([{ ...list(1_000, 1), name: 'retired' }, { ...list(20_000, 2), name: 'retired' }], [list(1_000, 3)])
  t.same(merged.map(({ name, models, value }) => [name, models, value]), [['retired', 20_000, 2], ['list', 1_000, 3]])
})

t.test('figures of an earlier run bear a mark and their day', async (t) => {
  const older = { ...list(20_000, 2.5), measured_at: '2025-12-24T10:00:00.000Z' }
  const table = resultsTable(results([{ ...list(1_000, 1), measured_at: '2026-01-02T01:00:00.000Z' }, older, list(100_000, 1)]))
  t.match(table, '| list | 1.00 ms | **2.50 ms**<sup>1</sup> | 1.00 ms | ≤ 2 ms |')
  t.match(table, '<sup>1</sup> Not measured again since 2025-12-24.')
  t.notMatch(resultsTable(results([list(1_000, 1)])), '<sup>')
})

t.test('percentiles and goals', async (t) => {
  t.equal(percentile([3, 1, 2], 0.5), 2)
  t.equal(percentile([3, 1, 2], 1), 3)
  t.throws(() => percentile([], 0.5), RangeError)
  t.equal(reached(list(1, 2)), true)
  t.equal(reached(list(1, 2.01)), false)
  t.equal(reached({ part: 'p', name: 'n', models: null, value: 1, unit: 'MB' }), null)
})

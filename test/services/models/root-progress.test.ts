import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createRootProgress } from '../../../services/models/root-progress.ts'
import type { Root } from '../../../services/files/types.ts'
import { libraryBench } from '../../helpers/library-bench.ts'
import { putModel } from '../../helpers/running-app.ts'

t.test('a scan tells for each folder that it is listed, read and over', async (t) => {
  const bench = libraryBench({ write_sidecars: 'on_edit' })
  t.teardown(bench.close)
  const empty = join(bench.directory, 'empty')
  mkdirSync(empty)
  for (let n = 0; n < 7; n++) putModel(bench.roots, `a ${n}`)
  const run = await bench.start()
  await run.library.idle()
  await run.settings.update({ folder_paths: { loras: [bench.roots, empty] } })
  await run.library.idle()
  const frames = (): { root: string, stage: string, done: number, total: number }[] => run.events.filter(({ type }) => type === 'scan.progress').map(({ data }) => data as never)
  const last = (root: string) => frames().filter((frame) => frame.root === root).at(-1)
  // Frames of one folder that follow each other closely are joined; the last one comes when its interval is over.
  for (const deadline = Date.now() + 10_000; Date.now() < deadline && [bench.roots, empty].some((root) => last(root)?.stage !== 'complete');) await new Promise((resolve) => setImmediate(resolve))
  t.same([...new Set(frames().map(({ root }) => root))].sort(), [empty, bench.roots].sort())
  t.match(frames().find(({ root }) => root === bench.roots), { model_type: 'lora', stage: 'scan_folders', done: 0, total: 0 })
  t.same(last(bench.roots), { model_type: 'lora', root: bench.roots, stage: 'complete', done: 7, total: 7 })
  t.same(last(empty), { model_type: 'lora', root: empty, stage: 'complete', done: 0, total: 0 })
})

t.test('folders that did not get on are not told again, and only those that were told are over', async (t) => {
  const told: unknown[] = []
  const root = (path: string): Root => ({ id: path, type: 'lora', folderKey: 'loras', path, extra: false, subType: null })
  const progress = createRootProgress({ publish: (_type, data) => { told.push(Object.values(data).slice(1)) } }, 'lora', [root('/a'), root('/b'), root('/c')])
  progress.listed([10, 5, 0])
  progress.processed([4, 0, 0])
  progress.processed([4, 2, 0])
  progress.complete()
  progress.complete()
  t.same(told, [['/a', 'process_models', 4, 10], ['/b', 'process_models', 2, 5], ['/a', 'complete', 4, 10], ['/b', 'complete', 2, 5]])
})

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openCacheDatabase } from '../../../services/database/cache.ts'
import { openDatabase } from '../../../services/database/open.ts'
import { createPathQueue } from '../../../services/files/path-queue.ts'
import { createDescriber } from '../../../services/models/describe-files.ts'
import { createIndexFeed } from '../../../services/models/index-feed.ts'
import { createModelIndex } from '../../../services/models/index/model-index.ts'
import { createModelFiles } from '../../../services/models/model-files.ts'
import { createMovedModels } from '../../../services/models/moved-models.ts'
import { createRootBoard } from '../../../services/models/root-board.ts'
import { modelCacheSchema } from '../../../services/models/store-schema.ts'
import { createModelStore } from '../../../services/models/store.ts'
import { modelTypeByName } from '../../../services/models/types.ts'
import { libraryBench, type LibraryBench } from '../../helpers/library-bench.ts'
import { putFile, putModel, scanBench, silent, until } from '../../helpers/scan-bench.ts'
import { sourceArguments } from '../../helpers/source-arguments.ts'

function bench (t: { teardown (work: () => Promise<void>): void }, settings?: Record<string, unknown>): LibraryBench {
  const made = libraryBench(settings)
  t.teardown(async () => { await made.close() })
  return made
}

const newIndex = (): ReturnType<typeof createModelIndex> => createModelIndex({ type: modelTypeByName('lora'), preferences: () => ({ nameDisplay: 'model_name', sfwOnly: false, versionGrouping: 'any' }), usage: { version: 0, count: () => 0 }, updates: { version: 0, available: () => false } })

t.test('killed in the middle of scanning and hashing, it goes on where it was and hashes nothing twice', async (t) => {
  const b = bench(t)
  for (let i = 0; i < 300; i++) putModel(join(b.roots, `d${i % 7}`), `m${i}`)
  const ledger = (): Set<string> => {
    const db = openDatabase(join(b.settingsDirectory, 'modelshelf/state.sqlite'), { readonly: true })
    try {
      return new Set(db.prepare('SELECT path FROM hash_ledger').pluck().all() as string[])
    } catch {
      // the child has not made the table yet
      return new Set()
    } finally {
      db.close()
    }
  }
  for (const enough of [0, 20, 80]) {
    const child = spawn(process.execPath, [...sourceArguments, join(import.meta.dirname, '../../helpers/library-child.ts'), b.settingsDirectory], { stdio: 'ignore' })
    const ended = new Promise((resolve) => { child.once('exit', resolve) })
    await until(() => readdirSync(b.settingsDirectory).includes('modelshelf') && readdirSync(join(b.settingsDirectory, 'modelshelf')).some((name) => name.endsWith('.sqlite')), 'the databases are there')
    await until(() => ledger().size >= enough, `${enough} hashes`)
    child.kill('SIGKILL')
    await ended
  }
  const before = ledger()
  t.ok(before.size >= 80 && before.size < 300, `${before.size} hashed when it was killed`)
  const run = await b.start()
  await run.library.idle()
  t.equal(run.library.index.size, 300)
  t.equal(new Set(run.hashed).size, run.hashed.length)
  t.strictSame(run.hashed.filter((path) => before.has(path)), [], 'no completed hash is computed again')
  t.equal(before.size + run.hashed.length, 300)
  t.ok([...run.library.index.entries()].every((model) => model.hash_status === 'completed' && model.sha256.length === 64))
  t.strictSame(readdirSync(join(b.roots, 'd0')).filter((name) => name.endsWith('.metadata.json')).map((name) => JSON.parse(readFileSync(join(b.roots, 'd0', name), 'utf8')) as Record<string, unknown>).filter((document) => document.hash_status !== 'completed'), [], 'every sidecar is whole')
})

t.test('a disk that hangs makes only its own root offline, until it answers again', async (t) => {
  const b = bench(t)
  const hung = join(b.directory, 'hung')
  mkdirSync(hung)
  putModel(hung, 'far', { sha256: 'a'.repeat(64) })
  putModel(b.roots, 'near', { sha256: 'b'.repeat(64) })
  const settings = { folder_paths: { loras: [b.roots, hung] } }
  const first = await b.start()
  await first.settings.update(settings)
  await until(() => first.library.index.size === 2, 'both roots are read')
  await first.library.idle()
  await first.stop()

  const run = await b.start({ hangMs: 400, scanWorker: new URL('../../helpers/hanging-scan.worker', import.meta.url), scanOnStart: false })
  putModel(b.roots, 'newer', { sha256: 'c'.repeat(64) })
  let longest = 0
  let last = performance.now()
  const pace = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 10)
  t.match(await run.library.reconcile(), { status: 'success', added: 1, removed: 0 })
  clearInterval(pace)
  t.ok(longest < 400, `the event loop stood still for ${Math.round(longest)} ms at most`)
  t.strictSame([...run.library.index.entries()].map((model) => model.file_name).sort(), ['far', 'near', 'newer'])
  t.match(run.library.rootStatus().find((root) => root.path === hung), { state: 'offline', reason: 'The disk does not answer', models: 1 })
  t.match(run.library.rootStatus().find((root) => root.path === b.roots), { state: 'online' })
})

t.test('a folder that takes no files is tried once and its models keep everything', async (t) => {
  const b = scanBench()
  t.teardown(() => { b.close() })
  const root = b.root('loras')
  for (let i = 0; i < 5; i++) putModel(join(root.path, i < 3 ? 'sub' : 'other'), `m${i}`)
  b.scan([root])
  b.store.db.exec("UPDATE models SET sha256 = printf('%064d', id), hash_status = 'completed'")
  const index = newIndex()
  const board = createRootBoard(b.store.db, { publish: () => undefined })
  board.setRoots([root])
  board.record([{ id: root.id, state: 'online', reason: null }], { at: '', durationMs: 1, whole: true })
  const feed = createIndexFeed({ store: b.store, index, hasRoot: () => true, onStale: async () => undefined, onError: (error) => { throw error } })
  const tried: string[] = []
  let code = 'EACCES'
  const files = createModelFiles({
    store: b.store,
    index,
    feed,
    board,
    moved: createMovedModels(b.store),
    describe: createDescriber(b.ledger, () => 0),
    paths: createPathQueue(),
    logger: silent,
    mayWrite: () => true,
    async write (path) {
      tried.push(path)
      throw Object.assign(new Error('refused'), { code })
    }
  })
  t.equal(await files.writeDue(new AbortController().signal), 0)
  t.equal(tried.length, 2, 'one try per folder')
  t.equal(board.isReadOnly(root.id), false)
  code = 'EROFS'
  await files.writeDue(new AbortController().signal)
  t.equal(tried.length, 3, 'one try per volume')
  t.equal(board.isReadOnly(root.id), true)
  await files.writeDue(new AbortController().signal)
  t.equal(tried.length, 3, 'and none more before the next scan')
  t.equal(b.store.db.prepare('SELECT count(*) FROM models').pluck().get(), 5)
  t.match(b.scan([root]), { updated: 0, removed: 0 })
})

t.test('what a scan wrote of a model that was changed meanwhile is never shown', async (t) => {
  const b = scanBench()
  t.teardown(() => { b.close() })
  const root = b.root('loras')
  const path = putModel(root.path, 'a', { notes: 'before' })
  b.scan([root])
  const index = newIndex()
  const shown: string[] = []
  const feed = createIndexFeed({
    store: b.store,
    index,
    hasRoot: () => true,
    onError: (error) => { throw error },
    async onStale (stale) {
      t.equal(stale, path)
      b.scan([root])
      const known = b.store.find('lora', stale)
      index.apply({ upsert: b.store.loadIds('lora', [known?.id ?? 0]) })
    }
  })
  const id = b.store.find('lora', path)?.id ?? 0
  feed.beginScan()
  putFile(join(root.path, 'a.metadata.json'), JSON.stringify({ notes: 'edited by the user' }), new Date('2024-10-10'))
  feed.touch(path)
  const apply = index.apply.bind(index)
  index.apply = (change) => {
    apply(change)
    for (const { id } of change.upsert ?? []) shown.push(index.byId(id)?.notes ?? '')
  }
  feed.push([id])
  await feed.endScan()
  t.strictSame(shown, ['edited by the user'])
  b.store.remove([{ id, file_path: path }], { remember: false })
  feed.push([id])
  await feed.idle()
  t.equal(index.size, 0, 'a row that is gone leaves the index')
})

t.test('tasks on one path wait for each other, others do not', async (t) => {
  const queue = createPathQueue()
  const order: string[] = []
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => { open = resolve })
  const first = queue.run('a', async () => { await gate; order.push('first'); throw new Error('failed') })
  const second = queue.run('a', () => { order.push('second'); return 2 })
  await queue.run('b', () => { order.push('other') })
  open()
  await t.rejects(first, { message: 'failed' })
  t.equal(await second, 2)
  t.strictSame(order, ['other', 'first', 'second'])
})

t.test('damage that is met in use is noted, and the next start builds the cache anew', (t) => {
  const b = scanBench()
  t.teardown(() => { b.close() })
  const root = b.root('loras')
  const path = putModel(root.path, 'a', { notes: 'n'.repeat(60_000) })
  b.scan([root])
  const settings = join(b.directory, 'settings')
  const file = b.store.db.name
  const firstPage = b.store.db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'sidecars'").pluck().get() as number
  const pageSize = Number(b.store.db.pragma('page_size', { simple: true }))
  b.store.db.close()
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(pageSize, 0xee), 0, pageSize, (firstPage - 1) * pageSize)
  closeSync(handle)
  const damaged = createModelStore(openCacheDatabase(settings, 'default', modelCacheSchema, silent))
  t.equal(damaged.isEmpty('lora'), false, 'what is checked at the start is sound')
  t.throws(() => damaged.sidecar('lora', path), { code: /^SQLITE_CORRUPT/ })
  damaged.db.close()
  const rebuilt = createModelStore(openCacheDatabase(settings, 'default', modelCacheSchema, silent))
  t.equal(rebuilt.isEmpty('lora'), true)
  t.ok(readdirSync(join(settings, 'modelshelf')).some((name) => name.includes('.sqlite.corrupt-')), 'set aside')
  rebuilt.db.close()
  const again = createModelStore(openCacheDatabase(settings, 'default', modelCacheSchema, silent))
  again.upsert([])
  again.db.close()
  t.equal(readdirSync(join(settings, 'modelshelf')).filter((name) => name.includes('.corrupt-') && name.endsWith('Z')).length, 1, 'once')
  t.end()
})

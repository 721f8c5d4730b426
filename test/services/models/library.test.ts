import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createHashPool } from '../../../services/hashing/pool.ts'
import { hashOf } from '../../../services/metadata/hash-of.ts'
import { libraryBench, type LibraryBench, type LibraryRun } from '../../helpers/library-bench.ts'
import { putFile, putModel, safetensors, silent, until } from '../../helpers/scan-bench.ts'

function bench (t: { teardown (work: () => Promise<void>): void }, settings?: Record<string, unknown>): LibraryBench {
  const made = libraryBench(settings)
  t.teardown(async () => { await made.close() })
  return made
}

const names = ({ library }: LibraryRun): string[] => [...library.index.entries()].map((model) => model.file_name).sort()
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const sidecarOf = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path.replace(/\.safetensors$/, '.metadata.json'), 'utf8')) as Record<string, unknown>

t.test('a first start scans, hashes and writes sidecars; a second one reads rows, hashes nothing and writes nothing', async (t) => {
  const b = bench(t)
  const plain = putModel(b.roots, 'plain')
  putModel(join(b.roots, 'sub'), 'known', { tags: ['x'], sha256: 'a'.repeat(64), autov3: '0123456789ab', preview_url: '', extra_key: 1 })
  const first = await b.start()
  t.equal(first.library.opened, true)
  t.equal(first.library.initializing, true)
  await first.library.idle()
  t.equal(first.library.initializing, false)
  t.strictSame(names(first), ['known', 'plain'])
  t.strictSame(first.hashed, [plain])
  t.match(first.library.index.get(plain), { sha256: sha(readFileSync(plain)), hash_status: 'completed', autov3: sha(Buffer.from('weights of plain')).slice(0, 12) })
  t.match(sidecarOf(plain), { file_name: 'plain', sha256: sha(readFileSync(plain)), hash_status: 'completed', file_path: plain })
  t.match(first.library.sidecar(plain), { file_name: 'plain' })
  t.match(first.library.sidecar(join(b.roots, 'sub/known.safetensors')), { extra_key: 1 })
  t.match(first.library.rootStatus(), [{ state: 'online', models: 2, read_only: false, last_reconcile: /Z$/, bytes_hashed: readFileSync(plain).length }])
  await until(() => first.frames.init.some((frame) => frame.status === 'complete'), 'the last frame')
  t.strictSame([...new Set(first.frames.init.map((frame) => frame.stage))], ['loading_cache', 'scan_folders', 'count_models', 'process_models', 'finalizing'])
  t.match(first.frames.init[2], { details: /Found 2/, scanner_type: 'lora', pageType: 'loras', progress: 1 })
  t.ok(first.frames.init.some(({ stage, details }) => stage === 'process_models' && /Processing .* files: 2\/2/.test(String(details))))
  t.match(first.frames.init.slice(-2), [{ stage: 'finalizing', progress: 99 }, { stage: 'finalizing', progress: 100, status: 'complete' }])
  t.ok(first.frames.fetch.some((frame) => frame.type === 'models_changed'))
  t.match(await first.library.reconcile(), { status: 'success', added: 0, updated: 0, removed: 0, moved: 0 })
  await first.stop()

  const files = readdirSync(b.roots, { recursive: true }).length
  const second = await b.start()
  t.strictSame(names(second), ['known', 'plain'], 'rows answer before the disk was looked at')
  await second.library.idle()
  t.strictSame(second.hashed, [])
  t.equal(second.frames.fetch.length, 0, 'nothing changed')
  t.match(second.frames.init.map(({ stage, progress, status }) => [stage, progress, status]), [['loading_cache', 0, undefined], ['loading_cache', 1, undefined], ['finalizing', 100, 'complete']])
  t.equal(readdirSync(b.roots, { recursive: true }).length, files)
})

t.test('a damaged, empty or foreign cache is set aside and rebuilt without hashing again', async (t) => {
  const b = bench(t, { write_sidecars: 'on_edit' })
  for (let i = 0; i < 50; i++) putModel(b.roots, `m${i}`)
  const first = await b.start()
  await first.library.idle()
  t.equal(first.hashed.length, 50)
  t.notOk(existsSync(join(b.roots, 'm0.metadata.json')), 'sidecars are made on edits only')
  await first.stop()
  const folder = join(b.settingsDirectory, 'modelshelf')
  const cache = join(folder, readdirSync(folder).find((name) => name.startsWith('cache-')) ?? '')
  const sound = readFileSync(cache)
  const damages: [string, () => void][] = [
    ['no database', () => { writeFileSync(cache, 'not a database at all, but long enough to be looked at'.repeat(50)) }],
    ['empty', () => { truncateSync(cache, 0) }],
    ['cut', () => { writeFileSync(cache, sound.subarray(0, sound.length - 16384)) }],
    ['garbage page', () => { writeFileSync(cache, Buffer.concat([sound.subarray(0, 16384), Buffer.alloc(sound.length - 16384, 0xaa)])) }]
  ]
  for (const [what, damage] of damages) {
    damage()
    const next = await b.start()
    await next.library.idle()
    t.equal(next.library.index.size, 50, what)
    t.strictSame(next.hashed, [], what)
    await next.stop()
  }
  t.ok(readdirSync(folder).some((name) => /^cache-.*\.sqlite\.corrupt-/.test(name)))
})

t.test('a root that went away keeps its models, says so, and comes back', async (t) => {
  const b = bench(t)
  for (let i = 0; i < 5; i++) putModel(b.roots, `m${i}`, { sha256: String(i).padStart(64, '0'), autov3: null })
  const run = await b.start()
  await run.library.idle()
  renameSync(b.roots, `${b.roots}-away`)
  await run.library.reconcile()
  t.equal(run.library.index.size, 5)
  t.match(run.library.rootStatus(), [{ state: 'offline', models: 5 }])
  t.ok(run.events.some((event) => event.type === 'root.offline'))
  t.match(run.library.sidecar(join(b.roots, 'm0.safetensors')), { file_name: 'm0' }, 'what was read still answers')
  await run.stop()
  const next = await b.start({ scanOnStart: false })
  t.equal(next.library.index.size, 5)
  t.match(next.library.rootStatus(), [{ state: 'offline' }], 'known to be away from the start')
  renameSync(`${b.roots}-away`, b.roots)
  await next.library.reconcile()
  t.match(next.library.rootStatus(), [{ state: 'online', models: 5 }])
  t.ok(next.events.some((event) => event.type === 'root.online'))
})

t.test('the user may say that a lost half is really gone', async (t) => {
  const b = bench(t)
  for (let i = 0; i < 24; i++) putModel(b.roots, `m${i}`, { sha256: String(i).padStart(64, '0') })
  const run = await b.start()
  await run.library.idle()
  for (let i = 0; i < 20; i++) rmSync(join(b.roots, `m${i}.safetensors`))
  await run.library.reconcile()
  t.match(run.library.rootStatus(), [{ state: 'suspect', models: 24 }])
  await run.library.acceptRoot(run.library.roots()[0]?.id ?? '')
  t.match(run.library.rootStatus(), [{ state: 'online', models: 4 }])
  await t.rejects(run.library.acceptRoot('nonsense'), { code: 'root-not-found' })
})

t.test('a model copied elsewhere and deleted here keeps what the user said of it, known by its hash', async (t) => {
  const b = bench(t)
  const bytes = safetensors('precious')
  putModel(b.roots, 'stays', { sha256: 'b'.repeat(64) })
  const old = putFile(join(b.roots, 'old.safetensors'), bytes)
  putFile(join(b.roots, 'old.metadata.json'), JSON.stringify({ file_name: 'old', model_name: 'Precious', tags: ['dear'], notes: 'mine', favorite: true, usage_tips: '{"strength":0.7}', sha256: sha(bytes), unknown_key: { a: 1 }, civitai: { id: 5, modelId: 6, trainedWords: ['w'] } }))
  const run = await b.start()
  await run.library.idle()
  rmSync(old)
  await run.library.reconcile()
  await run.library.idle()
  t.strictSame(names(run), ['stays'])
  const path = putFile(join(b.roots, 'elsewhere/new.safetensors'), bytes, new Date('2024-08-08'))
  await run.library.reconcile()
  await until(() => run.library.index.get(path)?.notes === 'mine', 'the heir has its inheritance')
  t.match(run.library.index.get(path), { tags: ['dear'], favorite: true, model_name: 'Precious', civitai: { id: 5, modelId: 6 }, usage_tips: '{"strength":0.7}' })
  await until(() => sidecarOf(path).notes === 'mine', 'its sidecar says so too')
  t.match(sidecarOf(path), { unknown_key: { a: 1 }, file_name: 'new', file_path: path })
})

t.test('a library switch during a scan ends it, and nothing of the old library gets into the new one', async (t) => {
  const b = bench(t)
  const other = join(b.directory, 'other')
  mkdirSync(other)
  putModel(other, 'theirs', { sha256: 'f'.repeat(64) })
  for (let i = 0; i < 600; i++) putModel(join(b.roots, `d${i % 20}`), `m${i}`, { sha256: String(i).padStart(64, '0') })
  const run = await b.start()
  await run.settings.saveLibrary('second', { folder_paths: { loras: [other] } })
  await run.settings.activateLibrary('second')
  t.equal(run.library.opened, false, 'not ready while the switch is under way')
  t.throws(() => run.library.contain(join(other, 'x')), { code: 'not-ready' })
  await until(() => run.library.opened, 'the other library is open')
  await run.library.idle()
  t.strictSame(names(run), ['theirs'])
  await run.settings.activateLibrary(Object.keys(run.settings.libraries()).find((name) => name !== 'second') ?? '')
  await until(() => run.library.opened, 'the first library is open again')
  await run.library.idle()
  t.equal(run.library.index.size, 600)
})

t.test('another list of folders is taken up live', async (t) => {
  const b = bench(t)
  const other = join(b.directory, 'other')
  putModel(b.roots, 'a', { sha256: 'a'.repeat(64) })
  putModel(other, 'b', { sha256: 'b'.repeat(64) })
  const run = await b.start()
  await run.library.idle()
  await run.settings.update({ folder_paths: { loras: [other] } })
  await until(() => names(run).join() === 'b', 'the other folder is read')
  await run.library.idle()
  t.match(run.library.roots(), [{ path: other }])
})

t.test('paths are contained in the roots by whole components', async (t) => {
  const b = bench(t)
  const run = await b.start()
  t.match(run.library.contain(`${b.roots}/a/../b.safetensors`), { path: `${b.roots}/b.safetensors`, relative: 'b.safetensors' })
  for (const path of [`${b.roots}2/x`, `${b.roots}/../x`, '/etc/passwd', `${b.roots}/.lm-pending-delete/x`]) t.throws(() => run.library.contain(path), { code: 'path-outside-library' }, path)
})

t.test('one model is read again on demand, and forgotten when it is gone', async (t) => {
  const b = bench(t)
  const path = putModel(b.roots, 'a', { sha256: 'a'.repeat(64) })
  putFile(join(b.roots, 'a.png'), 'picture')
  const run = await b.start()
  await run.library.idle()
  putFile(join(b.roots, 'a.metadata.json'), JSON.stringify({ sha256: 'a'.repeat(64), notes: 'new' }), new Date('2024-09-09'))
  t.match(await run.library.refresh(path), { notes: 'new' })
  t.match(run.library.index.get(path), { notes: 'new', preview_url: join(b.roots, 'a.png') })
  rmSync(path)
  t.equal(await run.library.refresh(path), undefined)
  t.equal(run.library.index.size, 0)
})

t.test('a preview that is gone gives way to another one of the model or to none, and is found again when it is back', async (t) => {
  const b = bench(t, { watch_folders: false })
  const path = putModel(b.roots, 'a', { preview_nsfw_level: 8 })
  const [first, second] = [join(b.roots, 'a.webp'), join(b.roots, 'a.png')]
  putFile(first, 'picture')
  putFile(second, 'another')
  const run = await b.start()
  await run.library.idle()
  const miss = async (preview: string) => {
    run.library.missPreview(preview)
    await run.library.idle()
    return run.library.index.get(path)
  }
  t.match(run.library.index.get(path), { preview_url: first })
  renameSync(first, `${first}.away`)
  t.match(await miss(first), { preview_url: second, preview_nsfw_level: 8 })
  renameSync(second, `${second}.away`)
  t.match(await miss(second), { preview_url: '', preview_version: '' })
  renameSync(`${first}.away`, first)
  await run.library.reconcile()
  t.match(run.library.index.get(path), { preview_url: first })
  renameSync(b.roots, `${b.roots}-away`)
  t.match(await miss(first), { preview_url: first }, 'an unplugged folder says nothing about previews')
  renameSync(`${b.roots}-away`, b.roots)
})

t.test('one folder of a disk that is away says nothing of the models in it, and all are as before when it is back', async (t) => {
  const b = bench(t, { watch_folders: false })
  for (let i = 0; i < 30; i++) putModel(i < 10 ? b.roots : join(b.roots, 'sub'), `m${i}`)
  putFile(join(b.roots, 'm0.webp'), 'picture')
  const run = await b.start()
  await run.library.idle()
  const before = [...run.library.index.entries()].map(({ id, file_path: path }) => `${id} ${path}`).sort()
  renameSync(b.roots, `${b.roots}-away`)
  mkdirSync(b.roots)
  await run.library.reconcile()
  t.match(run.library.rootStatus(), [{ state: 'offline', models: 30 }])
  run.library.missPreview(join(b.roots, 'm0.webp'))
  await run.library.idle()
  t.match(run.library.rootStatus(), [{ state: 'offline', models: 30 }])
  rmSync(b.roots, { recursive: true })
  renameSync(`${b.roots}-away`, b.roots)
  run.library.missPreview(join(b.roots, 'm0.webp'))
  await run.library.idle()
  t.match(run.library.rootStatus(), [{ state: 'online', models: 30 }])
  t.strictSame([...run.library.index.entries()].map(({ id, file_path: path }) => `${id} ${path}`).sort(), before)
})

t.test('of several spellings of a folder the first is read, and folders inside others are told of', async (t) => {
  const b = bench(t, { watch_folders: false })
  putModel(b.roots, 'a')
  putModel(join(b.roots, 'inner'), 'b')
  const alias = join(b.directory, 'alias')
  symlinkSync(b.roots, alias)
  const told: string[] = []
  const run = await b.start({ logger: { ...silent, warn: (_fields: object, message: string) => { told.push(message) } } })
  await run.settings.update({ folder_paths: { loras: [`${b.roots}/`, `${alias}/`, join(b.roots, 'inner')] } })
  await run.library.idle()
  t.strictSame([...run.library.index.entries()].map((model) => model.file_path).sort(), [join(b.roots, 'a.safetensors'), join(b.roots, 'inner/b.safetensors')])
  t.match(told, [/inner" lies inside/])
})

t.test('what was done on disk is followed before the answer: moves keep the model, deletions end it', async (t) => {
  const b = bench(t)
  const path = putModel(b.roots, 'a')
  putModel(b.roots, 'other', { sha256: 'b'.repeat(64) })
  const run = await b.start()
  await run.library.idle()
  const before = run.library.index.get(path)
  const to = join(b.roots, 'deep/renamed.safetensors')
  const [moved] = await run.library.exclusively([path, to], async () => {
    mkdirSync(join(b.roots, 'deep'))
    // As after a copy to another disk: the same bytes, another inode and time.
    putFile(to, readFileSync(path), new Date('2024-11-11'))
    rmSync(path)
    renameSync(path.replace('.safetensors', '.metadata.json'), to.replace('.safetensors', '.metadata.json'))
    return await run.library.settle({ moved: [{ from: path, to }] })
  })
  t.match(moved, { id: before?.id, file_path: to, folder: 'deep', file_name: 'renamed', sha256: before?.sha256, autov3: before?.autov3, hash_status: 'completed' })
  t.equal(run.library.index.get(path), undefined)
  t.match(await run.library.reconcile(), { added: 0, moved: 0, removed: 0 })
  rmSync(to)
  t.strictSame(await run.library.settle({ removed: [to] }), [])
  t.strictSame(names(run), ['other'])
  t.equal(run.hashed.length, 1)
})

t.test('requests get their turns while many deletions are followed, and all of them are gone in the end', async (t) => {
  const b = bench(t)
  const paths = Array.from({ length: 60 }, (_, n) => putModel(b.roots, `m${n}`))
  const run = await b.start()
  await run.library.idle()
  for (const path of paths) rmSync(path)
  const seen = new Set<number>()
  const look = (): void => { if (run.library.index.size > 0) setImmediate(() => { seen.add(run.library.index.size); look() }) }
  look()
  await run.library.exclusively(paths, async () => await run.library.settle({ removed: paths }))
  t.equal(run.library.index.size, 0)
  t.ok([...seen].some((size) => size > 0 && size < 60), `sizes seen: ${[...seen].join()}`)
})

t.test('checkpoints are hashed on demand only', async (t) => {
  const b = bench(t)
  const path = putFile(join(b.directory, 'checkpoints/big.safetensors'), safetensors('big'))
  const run = await b.start({ modelType: 'checkpoint' })
  await run.library.idle()
  t.match(run.library.index.get(path), { sha256: '', hash_status: 'pending', from_civitai: false, sub_type: 'checkpoint' })
  t.match(sidecarOf(path), { hash_status: 'pending', sha256: '' })
  run.library.hashPending([path])
  await until(() => run.library.index.get(path)?.sha256 === sha(readFileSync(path)), 'the hash')
  await until(() => sidecarOf(path).hash_status === 'completed', 'the sidecar says it')
})

t.test('a file whose hash somebody waits for goes before the others, and is answered before they are done', async (t) => {
  const b = bench(t)
  const paths = ['a', 'b', 'c', 'd'].map((name) => putFile(join(b.directory, `checkpoints/${name}.safetensors`), safetensors(name)))
  const pool = createHashPool({ lanes: 1 })
  t.teardown(async () => { await pool.close() })
  const order: string[] = []
  const gates = [0, 1, 2].map(() => {
    let open = (): void => {}
    return { passed: new Promise<void>((resolve) => { open = resolve }), open: () => { open() } }
  })
  const run = await b.start({
    modelType: 'checkpoint',
    hashPool: {
      async hash (path, options) {
        order.push(path)
        await gates[order.length - 1]?.passed
        return await pool.hash(path, options)
      }
    }
  })
  await run.library.idle()
  run.library.hashPending(paths.slice(0, 3))
  await until(() => order.length === 1, 'the first file')
  const last = paths[3] ?? ''
  const model = run.library.index.get(last)
  if (!model) throw new Error('no model')
  const answer = hashOf(run.library, run.jobs, model)
  for (const gate of gates.slice(0, 2)) gate.open()
  t.equal(await answer, sha(readFileSync(last)), 'while others still wait')
  t.same(order.slice(0, 2), [paths[0], last])
  gates[2]?.open()
  await until(() => paths.every((path) => run.library.index.get(path)?.sha256 !== ''), 'the others')
  t.same(order.slice().sort(), [...paths].sort(), 'each once')
})

t.test('watched folders are read again when they change', async (t) => {
  const b = bench(t, { watch_folders: true })
  putModel(b.roots, 'a', { sha256: 'a'.repeat(64) })
  const run = await b.start()
  await run.library.idle()
  putModel(join(b.roots, 'new'), 'b', { sha256: 'b'.repeat(64) })
  await until(() => names(run).join() === 'a,b', 'the new model')
  rmSync(join(b.roots, 'a.safetensors'))
  await until(() => names(run).join() === 'b', 'the deleted model')
})

t.test('a scan that is cancelled ends within a second and leaves what was known', async (t) => {
  const b = bench(t)
  for (let i = 0; i < 300; i++) putModel(b.roots, `m${i}`, { sha256: String(i).padStart(64, '0') })
  const run = await b.start({ scanOnStart: false })
  const controller = new AbortController()
  const outcome = run.library.reconcile({ signal: controller.signal })
  controller.abort()
  const begun = performance.now()
  t.match(await outcome, { status: 'cancelled' })
  t.ok(performance.now() - begun < 1500)
  t.match(await run.library.reconcile(), { status: 'success' })
  t.equal(run.library.index.size, 300)
})

import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { modelBytes, putFile, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'

const L = '/api/lm/loras'
const url = (path: string): string => `/api/lm/previews?path=${encodeURIComponent(path)}`

/** Every file below the folder with its bytes and time (the journal keeps microseconds), every link with its text, every directory. */
function tree (folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (path.includes('.modelshelf-trash')) continue
    found[path] = entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? `link ${readlinkSync(path)}` : `${Math.round(statSync(path).mtimeMs / 100)} ${readFileSync(path).toString('base64')}`
  }
  return found
}
const trees = (run: RunningApp): Record<string, string> => Object.assign({}, ...Object.values(run.roots).map(tree))
const sidecar = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path.replace(/\.\w+$/, '.metadata.json'), 'utf8')) as Record<string, unknown>
const names = (folder: string): string[] => readdirSync(folder).sort()

async function listed (run: RunningApp, prefix = 'loras'): Promise<Record<string, unknown>[]> {
  const { json } = await run.get(`/api/lm/${prefix}/list?page_size=100`)
  return (json as unknown as { items: Record<string, unknown>[] }).items
}
const paths = (run: RunningApp): string[] => [...run.app.core.models.loras.index.entries()].map((model) => model.file_path).sort()

/** What the index says is what a fresh look at the disk says. */
async function agrees (t: Test, run: RunningApp, prefix = 'loras'): Promise<void> {
  const before = await listed(run, prefix)
  t.match((await run.get(`/api/lm/${prefix}/scan?full_rebuild=true`)).json, { status: 'success' })
  await run.idle()
  t.strictSame(await listed(run, prefix), before, 'a full scan finds what the index says')
}

async function undo (run: RunningApp): Promise<void> {
  const { id } = run.app.core.journal.operations({ limit: 1 }).items[0] ?? { id: '' }
  await run.app.core.journal.undo(id)
  for (const prefix of ['loras', 'checkpoints']) await run.get(`/api/lm/${prefix}/scan`)
  await run.idle()
}

t.test('a rename takes everything along, rewrites three keys of the sidecar and nothing else, and can be undone', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'sub/model.v1', { preview_url: `${loras}/sub/model.v1.preview.webp`, zz_unknown: { a: [1, 2.0] }, tags: ['é'] })
      writeFileSync(join(loras, 'sub/model.v1.metadata.json'), readFileSync(join(loras, 'sub/model.v1.metadata.json'), 'utf8').replace('"zz_unknown"', '"seed": 12345678901234567890, "zz_unknown"'))
      for (const suffix of ['.preview.webp', '.example.0.jpeg', '.civitai.info', '.metadata.json.bak', '.metadata.json.bak-20250101T000000', '.txt', '.PNG']) putFile(join(loras, `sub/model.v1${suffix}`), suffix)
      putModel(loras, 'sub/model')
      putModel(loras, 'sub/model.v1.2')
      putFile(join(loras, 'sub/model.png'), 'other')
    }
  })
  const folder = join(run.roots.loras, 'sub')
  const before = trees(run)
  const from = join(folder, 'model.v1.safetensors')
  const text = readFileSync(join(folder, 'model.v1.metadata.json'), 'utf8')
  const { status, json } = await run.post(`${L}/rename`, { file_path: from, new_file_name: 'kit ✓ é' })
  t.equal(status, 200)
  const to = join(folder, 'kit ✓ é.safetensors')
  t.match(json as unknown, { new_file_path: to, new_preview_path: url(join(folder, 'kit ✓ é.preview.webp')), reload_required: false })
  const renamed = (json as unknown as { renamed_files: string[] }).renamed_files
  t.strictSame(renamed.slice(0, 2), [to, join(folder, 'kit ✓ é.metadata.json')])
  t.equal(renamed.length, 9)
  t.ok(renamed.every((path) => existsSync(path)))
  t.equal(readFileSync(join(folder, 'kit ✓ é.metadata.json'), 'utf8'), text.replace('"model.v1"', '"kit ✓ é"').replace(JSON.stringify(from), JSON.stringify(to)).replace('model.v1.preview.webp', 'kit ✓ é.preview.webp'))
  for (const stays of ['model.safetensors', 'model.metadata.json', 'model.png', 'model.v1.2.safetensors', 'model.v1.2.metadata.json']) t.ok(existsSync(join(folder, stays)), stays)
  t.strictSame(names(folder).filter((name) => name.startsWith('model.v1.') && !name.startsWith('model.v1.2')), [])
  t.match((await listed(run)).find((item) => item.file_path === to), { file_name: 'kit ✓ é', preview_url: url(join(folder, 'kit ✓ é.preview.webp')), tags: ['é'] })
  t.equal((await listed(run)).length, 3)
  t.equal(run.frames.filter(({ type }) => type === 'models_changed').length >= 1, true)
  t.match(run.events.find(({ type }) => type === 'model.moved'), { operation: /^[0-9a-f]{32}$/, data: { model_type: 'lora', from, to, sha256: sha256Of(modelBytes('sub/model.v1')) } })
  await agrees(t, run)
  await undo(run)
  t.strictSame(trees(run), before)
})

t.test('names that some system can\'t bear, that are taken, or outside are refused and touch nothing', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'a')
      putModel(loras, 'b')
      putFile(join(loras, 'c.png'), 'of nobody')
      putFile(join(loras, 'a.png'), 'preview')
      putModel(join(loras, '..', 'loras2'), 'twin')
    }
  })
  const { loras } = run.roots
  const before = trees(run)
  const a = join(loras, 'a.safetensors')
  const rename = async (name: unknown, path: unknown = a): Promise<number> => {
    const { status, json } = await run.post(`${L}/rename`, { file_path: path, new_file_name: name })
    t.match(json as unknown, { success: false, error: /./ })
    return status
  }
  for (const name of [undefined, '', '   ', 'x/y', 'x\\y', 'x:y', 'x*', 'x?', '"', '<', '>', '|', '.', '..', 'x.', 'x ', 'x\n', 'x\u0000', '\u007f', 'con', 'NUL', 'aux.v1', 'Com1', 'lpt¹', 'x'.repeat(250), 'é'.repeat(125), '\ud800', 'b', 'a']) t.equal(await rename(name), 400, JSON.stringify(name))
  t.equal(await rename('c'), 409, 'a preview of that name is there')
  t.equal(await rename('x', join(loras, 'gone.safetensors')), 404)
  t.equal(await rename('x', loras), 400)
  t.equal(await rename('x', join(loras, '../loras2/twin.safetensors')), 400, 'a sibling with the same prefix is outside')
  t.equal(await rename('x', '/etc/passwd'), 400)
  t.equal((await run.post(`${L}/rename`, { new_file_name: 'x' })).status, 400)
  t.strictSame(trees(run), before)
  rmSync(a)
  t.equal(await rename('x'), 404, 'vanished since the last scan')
  t.ok(existsSync(join(loras, 'a.metadata.json')))
})

t.test('models without a sidecar or with a broken one keep what is known of them', async (t) => {
  const run = await runningApp(t, {
    settings: { write_sidecars: 'on_edit' },
    prepare ({ loras, checkpoints }) {
      putModel(loras, 'bare', null)
      putModel(loras, 'broken', null)
      putFile(join(loras, 'broken.metadata.json'), '{"tags": [')
      putModel(checkpoints, 'quant', { base_model: 'Flux.1 D' }, '.gguf')
      putModel(checkpoints, 'shared', { tags: ['kept'] }, '.gguf')
      putModel(checkpoints, 'shared', null, '.ckpt')
    }
  })
  const { loras, checkpoints } = run.roots
  t.match((await run.post(`${L}/rename`, { file_path: join(loras, 'bare.safetensors'), new_file_name: 'bare2' })).json, { success: true })
  t.notOk(existsSync(join(loras, 'bare2.metadata.json')))
  t.match((await listed(run)).find(({ file_name: name }) => name === 'bare2'), { sha256: sha256Of(modelBytes('bare')) })
  t.match((await run.post(`${L}/rename`, { file_path: join(loras, 'broken.safetensors'), new_file_name: 'broken2' })).json, { success: true })
  t.equal(readFileSync(join(loras, 'broken2.metadata.json'), 'utf8'), '{"tags": [')
  t.match((await run.post('/api/lm/checkpoints/rename', { file_path: join(checkpoints, 'quant.gguf'), new_file_name: 'quant.Q4' })).json, { new_file_path: join(checkpoints, 'quant.Q4.gguf') })
  t.match(sidecar(join(checkpoints, 'quant.Q4.gguf')), { file_name: 'quant.Q4', base_model: 'Flux.1 D' })
  t.match((await run.post('/api/lm/checkpoints/rename', { file_path: join(checkpoints, 'shared.ckpt'), new_file_name: 'alone' })).json, { success: true })
  t.match(sidecar(join(checkpoints, 'shared.gguf')), { file_path: join(checkpoints, 'shared.gguf') })
  t.equal((await run.post('/api/lm/checkpoints/rename', { file_path: join(checkpoints, 'alone.ckpt'), new_file_name: 'shared' })).status, 409, 'two models would share their files again')
  await agrees(t, run)
})

t.test('a move makes folders, takes the set, names a taken name anew and drags no sibling along', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'model', { preview_url: `${loras}/model.preview.png` })
      putFile(join(loras, 'model.preview.png'), 'p')
      putModel(loras, 'model.v2')
      putModel(loras, 'x/model', { base_model: 'other' })
      putModel(loras, 'taken')
      putFile(join(loras, 'taken.png'), 'mine')
      putFile(join(loras, 'x/taken.png'), 'of nobody')
    }
  })
  const { loras } = run.roots
  const before = trees(run)
  const from = join(loras, 'model.safetensors')
  const deep = join(loras, 'deep/er')
  const first = await run.post(`${L}/move_model`, { file_path: from, target_path: `${deep}/` })
  t.equal(first.status, 200)
  t.match(first.json as unknown, { success: true, original_file_path: from, new_file_path: join(deep, 'model.safetensors'), cache_entry: { folder: 'deep/er', preview_url: join(deep, 'model.preview.png') } })
  t.notOk('id' in (first.json as unknown as { cache_entry: object }).cache_entry)
  t.strictSame(names(deep), ['model.metadata.json', 'model.preview.png', 'model.safetensors'])
  t.ok(existsSync(join(loras, 'model.v2.metadata.json')))
  t.match((await run.get(`${L}/folders`)).json as unknown, { folders: ['', 'deep/er', 'x'] })
  await undo(run)
  t.strictSame(trees(run), before)

  const sha4 = sha256Of(modelBytes('model')).slice(0, 4)
  const second = await run.post(`${L}/move_model`, { file_path: from, target_path: join(loras, 'x') })
  t.match(second.json as unknown, { new_file_path: join(loras, `x/model-${sha4}.safetensors`) })
  t.match(sidecar(join(loras, `x/model-${sha4}.safetensors`)), { file_name: `model-${sha4}`, preview_url: join(loras, `x/model-${sha4}.preview.png`) })
  t.match(sidecar(join(loras, 'x/model.safetensors')), { base_model: 'other' })
  await agrees(t, run)
  await undo(run)
  t.strictSame(trees(run), before)

  const move = async (body: object): Promise<[number, unknown]> => {
    const { status, json } = await run.post(`${L}/move_model`, body)
    return [status, json]
  }
  const fails = (error: RegExp): object => ({ success: false, error, new_file_path: null })
  t.match(await move({ file_path: from, target_path: loras }), [200, { success: true, message: /already/, new_file_path: from }])
  t.match(await move({ file_path: from }), [400, { success: false }])
  t.match(await move({ file_path: join(loras, 'taken.safetensors'), target_path: join(loras, 'x') }), [409, { ...fails(/taken\.png/), original_file_path: join(loras, 'taken.safetensors') }])
  t.match(await move({ file_path: from, target_path: join(loras, '../loras2') }), [400, fails(/outside/)])
  t.match(await move({ file_path: from, target_path: join(loras, 'a/../../checkpoints') }), [400, fails(/outside/)])
  t.match(await move({ file_path: '/etc/passwd', target_path: loras }), [400, fails(/outside/)])
  t.match(await move({ file_path: join(loras, 'nope.safetensors'), target_path: join(loras, 'y') }), [404, fails(/no such/)])
  t.match(await move({ file_path: from, target_path: join(loras, 'taken.safetensors/y') }), [409, fails(/./)])
  t.match(await move({ file_path: from, target_path: join(loras, 'é'.repeat(128)) }), [400, fails(/too long/)])
  t.match(await move({ file_path: from, target_path: join(loras, '.modelshelf-trash/x') }), [400, fails(/outside/)])
  t.strictSame(trees(run), before)
})

t.test('default paths are made from the template in the root that holds the target', async (t) => {
  const run = await runningApp(t, {
    settings: { download_path_templates: { lora: '{base_model}/{first_tag}/{author}', unet: 'U/{base_model}' }, base_model_path_mappings: { 'SD 1.5': 'sd/15' }, priority_tags: { lora: 'style(painting|drawing), character' } },
    prepare ({ loras, checkpoints }) {
      putModel(loras, 'a', { tags: ['Drawing', 'x'], civitai: { id: 1, creator: { username: '../evil/..' } } })
      putModel(loras, 'sub/b')
      putModel(checkpoints, 'big', { sub_type: 'checkpoint', base_model: 'Flux.1 D' })
    }
  })
  const { loras, checkpoints, unet } = run.roots
  const one = await run.post(`${L}/move_model`, { file_path: join(loras, 'a.safetensors'), target_path: loras, use_default_paths: true })
  t.match(one.json as unknown, { new_file_path: join(loras, 'sd/15/style/.._evil/a.safetensors') })
  const two = await run.post(`${L}/move_model`, { file_path: join(loras, 'sub/b.safetensors'), target_path: join(loras, 'sub'), use_default_paths: true })
  t.match(two.json as unknown, { new_file_path: join(loras, 'sd/15/no tags/Anonymous/b.safetensors') })
  const three = await run.post('/api/lm/checkpoints/move_model', { file_path: join(checkpoints, 'big.safetensors'), target_path: unet, use_default_paths: true })
  t.match(three.json as unknown, { new_file_path: join(unet, 'U/Flux.1 D/big.safetensors'), cache_entry: { sub_type: 'diffusion_model' } })
  t.match(sidecar(join(unet, 'U/Flux.1 D/big.safetensors')), { sub_type: 'diffusion_model' })
  await agrees(t, run, 'checkpoints')
})

t.test('links move as links, linked folders and other volumes are places like others', async (t) => {
  const other = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync('/tmp').dev ? mkdtempSync('/dev/shm/shelf-') : null
  const run = await runningApp(t, {
    prepare ({ loras }, directory) {
      mkdirSync(join(directory, 'nas'))
      putFile(join(directory, 'store/real.bin'), modelBytes('linked'))
      symlinkSync('../store/real.bin', join(loras, 'linked.safetensors'))
      putFile(join(loras, 'linked.png'), 'p')
      symlinkSync(other ?? join(directory, 'nas'), join(loras, 'nas'))
      putModel(loras, 'far', { preview_url: `${loras}/far.png` })
      putFile(join(loras, 'far.png'), 'p'.repeat(3000))
      putModel(loras, 'nas/there')
    }
  })
  t.teardown(() => { if (other) rmSync(other, { recursive: true }) })
  const { loras } = run.roots
  const before = { ...trees(run), ...other && tree(other) }
  const content = readFileSync(join(loras, 'linked.safetensors'))
  t.match((await run.post(`${L}/move_model`, { file_path: join(loras, 'linked.safetensors'), target_path: join(loras, 'deep') })).json as unknown, { success: true })
  t.ok(lstatSync(join(loras, 'deep/linked.safetensors')).isSymbolicLink())
  t.strictSame(readFileSync(join(loras, 'deep/linked.safetensors')), content, 'it still leads there')
  t.ok(existsSync(join(run.directory, 'store/real.bin')))
  await undo(run)
  const far = await run.post(`${L}/move_model`, { file_path: join(loras, 'far.safetensors'), target_path: join(loras, 'nas/x') })
  t.match(far.json as unknown, { success: true, new_file_path: join(loras, 'nas/x/far.safetensors'), cache_entry: { sha256: sha256Of(modelBytes('far')), preview_url: join(loras, 'nas/x/far.png') } })
  t.strictSame(readFileSync(join(realpathSync(join(loras, 'nas')), 'x/far.safetensors')), modelBytes('far'))
  t.match((await run.post(`${L}/move_model`, { file_path: join(loras, 'nas/there.safetensors'), target_path: other ? join(loras, 'nas/.') : join(loras, 'nas') })).json as unknown, { message: /already/ })
  await agrees(t, run)
  await undo(run)
  t.strictSame({ ...trees(run), ...other && tree(other) }, before)
})

t.test('a bulk move answers each path for itself, is one operation and one undo', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      for (let n = 0; n < 140; n++) {
        putModel(loras, `f${n % 7}/m${n}`, { preview_url: `${loras}/f${n % 7}/m${n}.png` })
        putFile(join(loras, `f${n % 7}/m${n}.png`), String(n))
      }
      putModel(loras, 'same/m0', { base_model: 'twin' })
      putModel(loras, 'target/here')
    }
  })
  const { loras } = run.roots
  const before = trees(run)
  const wanted = [...Array(140).keys()].map((n) => join(loras, `f${n % 7}/m${n}.safetensors`))
  const asked = [...wanted, join(loras, 'same/m0.safetensors'), '/no/such/file.safetensors', join(loras, 'gone.safetensors'), wanted[0] ?? '', join(loras, 'target/here.safetensors')]
  const { status, json } = await run.post(`${L}/move_models_bulk`, { file_paths: asked, target_path: join(loras, 'target') })
  t.equal(status, 200)
  const answer = json as unknown as { results: { original_file_path: string, new_file_path: string | null, success: boolean, message: string, cache_entry: { file_path: string } | null }[], success_count: number, failure_count: number }
  t.match(answer, { success: true, message: 'Moved 142 of 145 models', success_count: 142, failure_count: 3 })
  t.strictSame(answer.results.map((result) => result.original_file_path), asked)
  t.strictSame(answer.results.slice(0, 140).map((result) => [result.success, result.cache_entry?.file_path]), wanted.map((path) => [true, join(loras, 'target', basename(path))]))
  t.match(answer.results[140], { success: true, new_file_path: /target\/m0-[0-9a-f]{4}\.safetensors$/ })
  t.match(answer.results.slice(141, 144), [{ success: false, new_file_path: null, message: /outside/ }, { success: false, message: /no such/ }, { success: false, message: /twice/ }])
  t.equal(run.app.core.journal.operations({ limit: 5 }).items.length, 1)
  t.equal(run.events.filter(({ type }) => type === 'model.moved').length, 141)
  t.match(run.events.findLast(({ type }) => type === 'models.changed'), { data: { updated: 141 } })
  await agrees(t, run)
  await undo(run)
  t.strictSame(trees(run), before)
  t.strictSame(paths(run), [...wanted, join(loras, 'same/m0.safetensors'), join(loras, 'target/here.safetensors')].sort())
  t.equal((await run.post(`${L}/move_models_bulk`, { file_paths: [], target_path: loras })).status, 400)
  t.equal((await run.post(`${L}/move_models_bulk`, { file_paths: [1], target_path: loras })).status, 400)
})

t.test('a cancel stops a bulk move between files, and one that comes too early stops nothing', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (let n = 0; n < 120; n++) putModel(loras, `m${n}`) } })
  const { loras } = run.roots
  const wanted = [...Array(120).keys()].map((n) => join(loras, `m${n}.safetensors`))
  t.match((await run.post(`${L}/cancel-task`)).json, { status: 'success' })
  const moving = run.post(`${L}/move_models_bulk`, { file_paths: wanted, target_path: join(loras, 't') })
  while (!existsSync(join(loras, 't'))) await new Promise((resolve) => setImmediate(resolve))
  await run.post('/api/lm/checkpoints/cancel-task')
  await run.post(`${L}/cancel-task`)
  const { results, success_count: count } = (await moving).json as unknown as { results: { success: boolean }[], success_count: number }
  t.ok(count > 0 && count < 120, `${count} moved`)
  t.equal(results.length, count)
  t.equal(readdirSync(join(loras, 't')).filter((name) => name.endsWith('.safetensors')).length, count)
  t.equal((paths(run)).filter((path) => String(path).startsWith(join(loras, 't/'))).length > 0, true)
  await agrees(t, run)
  const rest = await run.post(`${L}/move_models_bulk`, { file_paths: wanted.slice(count), target_path: join(loras, 't') })
  t.match(rest.json as unknown, { success_count: 120 - count, failure_count: 0 })
})

t.test('a folder whose disk is away is neither source nor target', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras, checkpoints, unet }) {
      putModel(loras, 'a')
      putModel(checkpoints, 'c')
      putModel(unet, 'u')
    }
  })
  const { checkpoints, unet } = run.roots
  rmSync(unet, { recursive: true })
  await run.get('/api/lm/checkpoints/scan')
  const C = '/api/lm/checkpoints'
  t.match(await run.post(`${C}/move_model`, { file_path: join(checkpoints, 'c.safetensors'), target_path: join(unet, 'x') }), { status: 503, json: { success: false, new_file_path: null } })
  t.equal((await run.post(`${C}/rename`, { file_path: join(unet, 'u.safetensors'), new_file_name: 'v' })).status, 503)
  t.match((await run.post(`${C}/move_models_bulk`, { file_paths: [join(unet, 'u.safetensors')], target_path: checkpoints })).json as unknown, { success: true, success_count: 0, results: [{ success: false, message: /away/ }] })
  t.notOk(existsSync(unet))
})

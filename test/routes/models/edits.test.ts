import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createSidecarEditor } from '../../../services/models/edit-sidecar.ts'
import { createSidecarOverlay } from '../../../services/models/sidecar-overlay.ts'
import { modelBytes, putFile, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'

const sidecarOf = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path.replace(/\.[^.]+$/, '.metadata.json'), 'utf8')) as Record<string, unknown>
const entryOf = (run: RunningApp, path: string) => run.app.core.models.loras.index.get(path)
const save = async (run: RunningApp, body: Record<string, unknown>, prefix = 'loras') => await run.post(`/api/lm/${prefix}/save-metadata`, body)

t.test('edits change what they name, keep everything else, and are in every list before the answer', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras, unet }) {
      putModel(loras, 'a', { tags: ['old'], civitai: { id: 5, trainedWords: ['w'], seed: 1 }, mine: { kept: true }, zz: 1 })
      putModel(unet, 'm')
    }
  })
  const path = join(run.roots.loras, 'a.safetensors')
  const before = readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8')
  const { status, json } = await save(run, {
    file_path: path, model_name: 'AA', notes: 'nötig', favorite: true, usage_tips: '{"strength":0.8}', tags: [' Anime ', 'anime', 7, '', 'Turbo'], civitai: { trainedWords: ['x', 'y'] }, preview_nsfw_level: 4, own: { deep: [1] }
  })
  t.equal(status, 200)
  t.strictSame(json, { success: true, auto_tags: ['Turbo'] })
  const after = sidecarOf(path)
  t.strictSame(after, { ...JSON.parse(before) as object, model_name: 'AA', notes: 'nötig', favorite: true, usage_tips: '{"strength":0.8}', tags: ['anime', 'turbo'], civitai: { id: 5, trainedWords: ['x', 'y'], seed: 1 }, preview_nsfw_level: 4, own: { deep: [1] } })
  t.match(entryOf(run, path), { model_name: 'AA', notes: 'nötig', favorite: true, tags: ['anime', 'turbo'], civitai: { id: 5, trainedWords: ['x', 'y'] }, preview_nsfw_level: 4 })
  t.match((await run.get('/api/lm/loras/list?favorites_only=true')).json, { total: 1, items: [{ model_name: 'AA' }] })
  t.same((await run.get('/api/lm/loras/top-tags')).json.tags, [{ tag: 'anime', count: 1 }, { tag: 'turbo', count: 1 }])
  t.match(run.events.find((event) => event.type === 'model.updated'), { data: { file_path: path }, operation: /^[0-9a-f]{32}$/ })

  const [operation] = (await run.get('/api/v1/operations')).json.items as { id: string, kind: string }[]
  t.equal(operation?.kind, 'edit')
  t.equal((await run.post(`/api/v1/operations/${operation?.id}/undo`)).status, 200)
  t.equal(readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8'), before, 'undone to the byte')
  t.match(entryOf(run, path), { model_name: 'a', tags: ['old'], favorite: false })

  const diffusion = join(run.roots.unet, 'm.safetensors')
  t.equal((await save(run, { file_path: diffusion, notes: 'n' }, 'checkpoints')).status, 200)
  t.match(run.app.core.models.checkpoints.index.get(diffusion), { sub_type: 'diffusion_model', notes: 'n' })
  t.equal(sidecarOf(diffusion).sub_type, 'diffusion_model')
})

t.test('fields that are facts, of the wrong type, or traps are refused, and nothing is written', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }, directory) { putModel(loras, 'a'); putModel(directory, 'outside') } })
  const path = join(run.roots.loras, 'a.safetensors')
  const before = readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8')
  const wrong: Record<string, unknown>[] = [
    { file_name: 'x' }, { sha256: 'f'.repeat(64) }, { size: 1 }, { modified: 1 }, { exclude: true }, { hash_status: 'completed' }, { preview_url: '/etc/passwd' },
    { tags: 'x' }, { notes: 5 }, { model_name: null }, { favorite: 'true' }, { preview_nsfw_level: '4' }, { usage_tips: {} }, { usage_tips: '[' }, { civitai: [] }, { civitai: { trainedWords: 'x' } }, { hf_url: 'javascript:alert(1)' }, { trainedWords: [1] }
  ]
  for (const updates of wrong) t.match(await save(run, { file_path: path, ...updates }), { status: 400, json: { success: false } }, JSON.stringify(updates))
  const raw = await run.app.inject({ method: 'POST', url: '/api/lm/loras/save-metadata', headers: { 'content-type': 'application/json' }, payload: `{"file_path":${JSON.stringify(path)},"civitai":{"__proto__":{"polluted":1}}}` })
  t.equal(raw.statusCode, 400)
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
  t.match(await save(run, { notes: 'x' }), { status: 400, json: { error: 'File path is required' } })
  t.equal((await save(run, { file_path: join(run.directory, 'outside.safetensors'), notes: 'x' })).status, 400)
  t.equal((await save(run, { file_path: join(run.roots.loras, 'none.safetensors'), notes: 'x' })).status, 404)
  t.notOk(existsSync(join(run.roots.loras, 'none.metadata.json')))
  t.equal(readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8'), before)
  t.equal((await save(run, { file_path: path, toString: 'x', constructor: 'y' })).status, 200, 'odd names are plain data')
  t.match(sidecarOf(path), { toString: 'x', constructor: 'y' })
})

t.test('a model without a sidecar, or with a broken one, gets a complete one; the broken bytes stay', async (t) => {
  const run = await runningApp(t, {
    settings: { write_sidecars: 'on_edit' },
    prepare ({ loras }) {
      putModel(loras, 'bare', null)
      putModel(loras, 'broken')
      writeFileSync(join(loras, 'broken.metadata.json'), '{"notes": "half')
    }
  })
  for (const name of ['bare', 'broken']) {
    const path = join(run.roots.loras, `${name}.safetensors`)
    t.equal((await run.post('/api/lm/loras/add-tags', { file_path: path, tags: ['One'] })).status, 200)
    const bytes = modelBytes(name)
    t.match(sidecarOf(path), { file_name: name, model_name: name, file_path: path, size: bytes.length, modified: Number, sha256: String, base_model: 'Unknown', preview_url: '', tags: ['one'] })
    t.match(entryOf(run, path), { tags: ['one'], size: bytes.length, metadata_error: '' })
  }
  const kept = readdirSync(run.roots.loras).filter((name) => name.startsWith('broken.metadata.json.bak-'))
  t.equal(kept.length, 1)
  t.equal(readFileSync(join(run.roots.loras, kept[0] ?? ''), 'utf8'), '{"notes": "half')
  const [operation] = (await run.get('/api/v1/operations?limit=1')).json.items as { id: string }[]
  t.equal((await run.post(`/api/v1/operations/${operation?.id}/undo`)).status, 200)
  t.equal(readFileSync(join(run.roots.loras, 'broken.metadata.json'), 'utf8'), '{"notes": "half')
})

t.test('tags are appended once, whatever their case', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { putModel(loras, 'a', { tags: ['Anime', 'b'] }) } })
  const path = join(run.roots.loras, 'a.safetensors')
  const add = async (tags: unknown, more = {}) => await run.post('/api/lm/loras/add-tags', { file_path: path, tags, ...more })
  t.match(await add(['ANIME', ' New ', 'new', ' ']), { status: 200, json: { success: true, tags: ['Anime', 'b', 'new'], auto_tags: [] } })
  t.match(await add('x'), { status: 400, json: { error: 'Tags must be a list' } })
  t.match(await run.post('/api/lm/loras/add-tags', { tags: [] }), { status: 400, json: { error: 'File path is required' } })
  const text = readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8')
  const operations = (await run.get('/api/v1/operations')).json.items as unknown[]
  t.match(await run.post('/api/lm/loras/add-tags', { file_path: path }), { status: 200, json: { tags: ['Anime', 'b', 'new'] } })
  t.equal(readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8'), text)
  t.equal(((await run.get('/api/v1/operations')).json.items as unknown[]).length, operations.length, 'what changes nothing is no operation')
})

t.test('excluded models are in no list until they are taken back', async (t) => {
  let run = await runningApp(t, { prepare ({ loras }) { putModel(loras, 'a', { tags: ['x'] }); putModel(loras, 'b') } })
  const path = join(run.roots.loras, 'a.safetensors')
  t.match(await run.post('/api/lm/loras/exclude', { file_path: path }), { status: 200, json: { success: true, message: 'Model a.safetensors excluded' } })
  t.equal(sidecarOf(path).exclude, true)
  run = await run.restart()
  t.match((await run.get('/api/lm/loras/list')).json, { total: 1, items: [{ file_name: 'b' }] })
  t.match((await run.get('/api/lm/loras/excluded')).json, { total: 1, items: [{ file_name: 'a' }] })
  t.same((await run.get('/api/lm/loras/top-tags')).json.tags, [])
  t.equal((await save(run, { file_path: path, notes: 'still editable' })).status, 200)
  t.match((await run.get('/api/lm/loras/excluded')).json, { total: 1 })
  t.match(await run.post('/api/lm/loras/unexclude', { file_path: path }), { status: 200, json: { message: 'Model a.safetensors restored' } })
  t.match((await run.get('/api/lm/loras/list')).json, { total: 2 })
  rmSync(path)
  t.equal((await run.post('/api/lm/loras/unexclude', { file_path: path })).status, 400)
  t.equal((await run.post('/api/lm/loras/exclude', {})).status, 400)
  t.equal((await run.post('/api/lm/loras/exclude', { file_path: '/etc/passwd' })).status, 400)
})

t.test('where nothing can be written, edits are kept beside: over a rebuilt cache, until the disk can be written again', async (t) => {
  let run = await runningApp(t, { settings: { write_sidecars: 'on_edit' }, prepare ({ loras }) { putModel(loras, 'a', { notes: 'old', civitai: { id: 3 } }) } })
  const path = join(run.roots.loras, 'a.safetensors')
  const library = run.app.core.models.loras
  const before = readFileSync(path.replace('.safetensors', '.metadata.json'))
  const denied = createSidecarEditor({
    library,
    overlay: createSidecarOverlay(run.app.core.state.db),
    // What a read-only mount answers; permission bits stop no superuser.
    journal: { run: async (operation) => ({ id: '0'.repeat(32), state: 'failed', units: operation.units.map(({ key }) => ({ key, ok: false, files: [], error: { kind: 'forbidden', code: 'not-writable', message: 'The disk is read-only' } })) }) }
  })
  const edit = async (change: (document: Record<string, unknown>) => void) => await denied({ path, kind: 'edit', route: 'test', summary: 'Edit', change })
  const edited = await edit((document) => { document.notes = 'mine' })
  t.match(edited, { operation: null, model: { notes: 'mine', civitai: { id: 3 } } })
  await edit((document) => { document.favorite = true })
  t.match(entryOf(run, path), { notes: 'mine', favorite: true })
  t.ok(readFileSync(path.replace('.safetensors', '.metadata.json')).equals(before))

  await run.close()
  for (const name of readdirSync(join(run.settingsDirectory, 'modelshelf'))) if (name.startsWith('cache-')) rmSync(join(run.settingsDirectory, 'modelshelf', name))
  run = await run.restart()
  t.match(entryOf(run, path), { notes: 'mine', favorite: true, civitai: { id: 3 } }, 'a scan from nothing shows them')
  t.equal((await save(run, { file_path: path, tags: ['t'] })).status, 200)
  t.match(sidecarOf(path), { notes: 'mine', favorite: true, tags: ['t'], civitai: { id: 3 } }, 'written as soon as it can be')

  writeFileSync(path.replace('.safetensors', '.metadata.json'), before)
  await run.get('/api/lm/loras/scan?full_rebuild=true')
  t.match(entryOf(run, path), { notes: 'old', favorite: false }, 'a sidecar that was written since counts')
})

t.test('two clients that edit the same sidecars lose no field, while a scan runs', async (t) => {
  const names = Array.from({ length: 50 }, (_, n) => `m${n}`)
  const run = await runningApp(t, { prepare ({ loras }) { for (const name of names) putModel(loras, name) } })
  const path = (name: string) => join(run.roots.loras, `${name}.safetensors`)
  const rounds = 6
  const client = async (own: string): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(names.map(async (name) => {
        const { status } = await save(run, { file_path: path(name), [`${own}_${round}`]: round, notes: `${own} ${round}` })
        if (status !== 200) throw new Error(`answered ${status}`)
      }))
    }
  }
  const edited = new AbortController()
  const scans = (async () => { while (!edited.signal.aborted) await run.get('/api/lm/loras/scan?full_rebuild=true') })()
  await Promise.all([client('one'), client('two')]).finally(() => { edited.abort() })
  await scans
  const expected = Object.fromEntries(['one', 'two'].flatMap((own) => Array.from({ length: rounds }, (_, round) => [`${own}_${round}`, round])))
  let lost = 0
  for (const name of names) {
    const document = sidecarOf(path(name))
    for (const [key, value] of Object.entries(expected)) if (document[key] !== value) lost++
    if (entryOf(run, path(name))?.notes !== document.notes) lost++
  }
  t.equal(lost, 0)
  t.strictSame(readdirSync(run.roots.loras).filter((name) => name.startsWith('.')), [])
})

t.test('duplicates are verified against the bytes, and what was stored wrongly is corrected', async (t) => {
  const twin = modelBytes('twin')
  const run = await runningApp(t, {
    prepare ({ loras }) {
      for (const name of ['a', 'b']) {
        putModel(loras, name, { sha256: sha256Of(twin), size: twin.length })
        putFile(join(loras, `${name}.safetensors`), twin)
      }
      putModel(loras, 'liar', { sha256: sha256Of(twin) })
    }
  })
  const path = (name: string) => join(run.roots.loras, `${name}.safetensors`)
  const verify = async (paths: unknown) => await run.post('/api/lm/loras/verify-duplicates', { file_paths: paths })
  t.equal((await verify([])).status, 400)
  t.equal((await verify(['/etc/passwd'])).status, 400)
  t.strictSame((await verify([path('a'), path('b'), path('missing')])).json, { success: true, verified_as_duplicates: true, mismatched_files: [], new_hash_map: {} })
  const actual = sha256Of(modelBytes('liar'))
  t.strictSame((await verify([path('a'), path('b'), path('liar')])).json, { success: true, verified_as_duplicates: false, mismatched_files: [path('liar')], new_hash_map: { [path('liar')]: actual } })
  t.match(entryOf(run, path('liar')), { sha256: actual })
  t.match(sidecarOf(path('liar')), { sha256: actual, hash_status: 'completed' })
  t.match((await run.get('/api/lm/loras/find-duplicates')).json, { count: 1 })
})

t.test('nothing is changed on a disk that is away', async (t) => {
  const run = await runningApp(t, { prepare ({ loras }) { for (let n = 0; n < 3; n++) putModel(loras, `m${n}`) } })
  const path = join(run.roots.loras, 'm0.safetensors')
  renameSync(run.roots.loras, `${run.roots.loras}-away`)
  await run.get('/api/lm/loras/scan')
  for (const [route, more] of [['save-metadata', { notes: 'x' }], ['add-tags', { tags: ['x'] }], ['exclude', {}], ['unexclude', {}], ['delete', {}]] as const) {
    t.match(await run.post(`/api/lm/loras/${route}`, { file_path: path, ...more }), { status: 503, json: { success: false, code: 'root-offline' } }, route)
  }
  t.equal((await run.post('/api/lm/loras/bulk-delete', { file_paths: [path] })).status, 503)
  t.match((await run.get('/api/lm/loras/list')).json, { total: 3 })
  t.notOk(existsSync(run.roots.loras))
})

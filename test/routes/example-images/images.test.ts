import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mediaOf, pictureSaying } from '../../helpers/civitai/media.ts'
import { modelBytes, putFile, putModel, type RunningApp } from '../../helpers/running-app.ts'
import { ended, exampleWorld, hashOf, imagesAt, sidecarOf, until } from './world.ts'

const png = (name: string) => mediaOf(`/own/${name}.png`).bytes
const mp4 = mediaOf('/own/film.mp4').bytes

async function upload (run: RunningApp, parts: [name: string, value: string | { bytes: Uint8Array, name: string }][]) {
  const form = new FormData()
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([Uint8Array.from(value.bytes)]), value.name)
  }
  const request = new Request('http://localhost/', { method: 'POST', body: form })
  const answer = await run.app.inject({ method: 'POST', url: '/api/lm/import-example-images', payload: Buffer.from(await request.arrayBuffer()), headers: { 'content-type': request.headers.get('content-type') ?? '' } })
  return { status: answer.statusCode, json: answer.json() as Record<string, unknown> & { files: { name: string, path: string }[], errors: string[], custom_images: Record<string, unknown>[] } }
}

/** Without the record of runs, which comes when it comes. */
const names = (directory: string): string[] => readdirSync(directory).filter((name) => name !== '.download_progress.json').sort()

/** For what needs no library of its own. */
const shared = await exampleWorld(t, {
  prepare ({ loras }, double) {
    putModel(loras, 'a', { civitai: { images: imagesAt(double, 'a', 1) } })
    for (const name of ['b', 'c', 'd']) putModel(loras, name)
    putFile(join(loras, 'pictures/p.png'), png('p'))
    putFile(join(loras, '../outside.png'), png('o'))
  }
})

t.test('own images are taken in by what they are, shown, rated, deleted, and come back by undo', async (t) => {
  const run = shared
  const hash = hashOf('a')
  const folder = join(run.examples, hash)
  const taken = await upload(run, [
    ['model_hash', hash], ['files', { bytes: png('one'), name: '../../one.png' }], ['files', { bytes: png('two'), name: 'two.jpeg' }], ['files', { bytes: mp4, name: 'film.webm' }],
    ['files', { bytes: Buffer.from('<html>'), name: 'page.png' }], ['files', { bytes: png('x'), name: 'notes.txt' }], ['other', { bytes: png('y'), name: 'y.png' }]
  ])
  t.match(taken, { status: 200, json: { success: true, model_file_path: join(run.roots.loras, 'a.safetensors'), regular_images: [{ url: String }] } })
  t.match(taken.json.files, [{ extension: '.png', is_video: false }, { extension: '.png', is_video: false }, { extension: '.mp4', is_video: true }], 'the type is sniffed, not believed')
  t.equal(taken.json.files.length, 3)
  t.match(taken.json.errors, [/^page\.png: /, /^notes\.txt: /])
  t.match(taken.json.custom_images, [{ url: '', id: /^[a-z0-9]{8}$/, nsfwLevel: 0, width: 1, height: 1, type: 'image', meta: null, hasMeta: false, hasPositivePrompt: false }, {}, { type: 'video', width: 720, height: 1280 }])
  t.same(names(folder), taken.json.files.map(({ name }) => name).sort())
  t.same(names(run.examples), [hash], 'nothing is left of what was on its way')
  t.match(sidecarOf(run.roots.loras, 'a').civitai.customImages?.map(({ id }) => id), taken.json.custom_images.map(({ id }) => id))

  writeFileSync(join(folder, 'image_0.png'), png('zero'))
  writeFileSync(join(folder, 'image_10.png'), png('ten'))
  writeFileSync(join(folder, 'image_2.png'), png('two'))
  writeFileSync(join(folder, '.hidden.png'), png('no'))
  const { json } = await run.get(`/api/lm/example-image-files?model_hash=${hash.toUpperCase()}`)
  const listed = (json as { files: { name: string, path: string }[] }).files
  t.same(listed.map(({ name }) => name), ['image_0.png', 'image_2.png', 'image_10.png', ...taken.json.files.map(({ name }) => name)])
  t.match((await run.get(`/api/lm/has-example-images?model_hash=${hash}`)).json, { success: true, has_images: true })
  const shown = await run.app.inject({ url: listed[0]?.path ?? '', headers: { range: 'bytes=0-3' } })
  t.match({ status: shown.statusCode, headers: shown.headers }, { status: 206, headers: { 'content-type': 'image/png', 'content-range': /^bytes 0-3\//, 'x-content-type-options': 'nosniff', etag: String } })
  const film = taken.json.files.find(({ name }) => name.endsWith('.mp4'))
  const head = await run.app.inject({ method: 'HEAD', url: film?.path ?? '' })
  t.match({ status: head.statusCode, headers: head.headers }, { status: 200, headers: { 'content-type': 'video/mp4', 'content-length': String(mp4.length) } })

  const id = String(taken.json.custom_images[0]?.id)
  const rate = async (body: object) => await run.post('/api/lm/example-images/set-nsfw-level', { model_hash: hash, ...body })
  t.match(await rate({ nsfw_level: '4', source: 'custom', id }), { status: 200, json: { success: true, nsfw_level: 4, custom_images: [{ id, nsfwLevel: 4 }, {}, {}] } })
  t.match(await rate({ nsfw_level: 8, index: '0' }), { status: 200, json: { regular_images: [{ nsfwLevel: 8 }] } })
  for (const [body, status] of [[{ nsfw_level: 3, index: 0 }, 400], [{ nsfw_level: 4, source: 'custom' }, 400], [{ nsfw_level: 4, index: 'x' }, 400], [{ nsfw_level: 4, index: 7 }, 404], [{ nsfw_level: 4, source: 'custom', id: 'nope' }, 404], [{ index: 0 }, 400]] as const) t.equal((await rate(body)).status, status, JSON.stringify(body))

  const remove = async (body: object) => await run.post('/api/lm/delete-example-image', { model_hash: hash, ...body })
  for (const [body, status] of [[{}, 400], [{ short_id: '../x' }, 400], [{ short_id: id.slice(0, 4) }, 404], [{ short_id: 'zzzzzzzz' }, 404]] as const) t.equal((await remove(body)).status, status, JSON.stringify(body))
  const before = names(folder)
  t.match(await remove({ short_id: id }), { status: 200, json: { success: true, custom_images: [{}, {}] } })
  t.same(names(folder), before.filter((name) => name !== `custom_${id}.png`))
  t.same(names(join(run.examples, '_deleted', hash)), [`custom_${id}.png`])
  const { items } = (await run.get('/api/v1/operations?limit=1')).json as { items: { id: string }[] }
  t.match(await run.post(`/api/v1/operations/${items[0]?.id}/undo`), { status: 200 })
  t.same(names(folder), before)
  t.equal(sidecarOf(run.roots.loras, 'a').civitai.customImages?.length, 3, 'file and metadata come back together')
})

t.test('a rejected import leaves nothing, whatever the order of its parts; paths are taken from our own folders only', async (t) => {
  const run = shared
  const before = names(run.examples)
  const hash = hashOf('b')
  const file = { bytes: png('f'), name: 'f.png' }
  for (const [parts, status] of [
    [[['files', file]], 400], [[['model_hash', hash]], 400], [[['model_hash', '..'], ['files', file]], 400], [[['model_hash', hash.slice(1)], ['files', file]], 400],
    [[['model_hash', hashOf('nobody')], ['files', file]], 404], [[['files', file], ['model_hash', hashOf('nobody')]], 404]
  ] as [[string, string | typeof file][], number][]) {
    t.match(await upload(run, parts), { status, json: { success: false, error: String } }, JSON.stringify(parts.map(([name]) => name)))
    t.same(names(run.examples), before)
  }
  t.match(await upload(run, [['model_hash', hash], ['files', { bytes: Buffer.from('no'), name: 'no.png' }]]), { status: 200, json: { success: false, error: /no\.png/, files: [], errors: [/no\.png/] } })
  t.same(names(run.examples), before, 'nothing usable makes no folder')
  const told = await upload(run, [['model_hash', hash], ['files', { bytes: pictureSaying('a boat\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 8x8'), name: 'told.png' }]])
  t.match(told.json.custom_images[0], { hasMeta: true, hasPositivePrompt: true, meta: { prompt: 'a boat', negative_prompt: 'rain', steps: 20, sampler: 'Euler a', cfg_scale: 7, seed: 5, size: '8x8' } })
  t.match(await upload(run, [['first', file], ['model_hash', hash]]), { status: 200, json: { success: true } }, 'the first part is a file whatever its name')

  symlinkSync(join(run.directory, 'outside.png'), join(run.roots.loras, 'pictures/link.png'))
  const paths = async (list: unknown) => (await run.post('/api/lm/import-example-images', { model_hash: hash, file_paths: list })).json as { success: boolean, files?: unknown[], errors?: string[] }
  const outcome = await paths([join(run.roots.loras, 'pictures/p.png'), join(run.directory, 'outside.png'), join(run.roots.loras, 'pictures/link.png'), '/etc/passwd', join(run.roots.loras, '../outside.png'), 7, '/nowhere.png'])
  t.match(outcome, { success: true, files: [{}] })
  t.equal(outcome.files?.length, 1)
  t.equal(new Set(outcome.errors?.map((text) => text.replace(/^[^:]*/, ''))).size, 1, 'elsewhere and nowhere are one answer')
  t.ok(existsSync(join(run.roots.loras, 'pictures/p.png')), 'it is a copy')
  t.match(await paths([]), { success: false })
})

t.test('hostile hashes and addresses reach nothing', async (t) => {
  const run = shared
  const hash = hashOf('c')
  putFile(join(run.examples, hash, 'image_0.png'), png('c'))
  putFile(join(run.examples, hash, 'evil.svg'), '<svg/>')
  putFile(join(run.examples, '_deleted', hash, 'image_0.png'), png('d'))
  mkdirSync(join(run.directory, 'secret'))
  writeFileSync(join(run.directory, 'secret/image_0.png'), png('s'))
  symlinkSync(join(run.directory, 'secret'), join(run.examples, hashOf('linked')))
  symlinkSync(join(run.directory, 'secret/image_0.png'), join(run.examples, hash, 'image_9.png'))
  for (const bad of ['..', '../secret', '/etc', '%2e%2e', hash.slice(1), `${hash}0`, `${hash}/..`, `${hash}\0`, 'g'.repeat(64)]) {
    const query = `?model_hash=${encodeURIComponent(bad)}`
    t.equal((await run.get(`/api/lm/example-image-files${query}`)).status, 400, JSON.stringify(bad))
    t.match(await run.get(`/api/lm/has-example-images${query}`), { status: 400, json: bad.includes('\0') ? {} : { has_images: false } })
    for (const route of ['open-example-images-folder', 'delete-example-image', 'example-images/set-nsfw-level']) t.equal((await run.post(`/api/lm/${route}`, { model_hash: bad, short_id: 'x', nsfw_level: 1, index: 0 })).status, 400)
  }
  for (const path of ['', '/', `${hash}`, `${hash}/`, `${hash}/evil.svg`, `${hash}%2Fimage_0.png`, `${hash}%5Cimage_0.png`, `_deleted/${hash}/image_0.png`, '.download_progress.json', '../loras/c.safetensors', '%2e%2e/secret/image_0.png', `${hashOf('linked')}/image_0.png`, `${hash}/image_9.png`, `${hash}/../${hash}/image_1.png`]) {
    const { statusCode } = await run.app.inject({ url: `/example_images_static/${path}` })
    t.ok([400, 404].includes(statusCode), `${path}: ${statusCode}`)
  }
  t.equal((await run.app.inject({ url: `/example_images_static/${hash}/image_0.png` })).statusCode, 200)
  t.match((await run.get(`/api/lm/has-example-images?model_hash=${hashOf('linked')}`)).json, { has_images: false })
  t.match(await run.get(`/api/lm/example-image-files?model_hash=${hashOf('nothing')}`), { status: 404, json: { success: false, files: [] } })
  await run.post('/api/lm/settings', { example_images_path: '' })
  t.equal((await run.app.inject({ url: `/example_images_static/${hash}/image_0.png` })).statusCode, 404, 'the setting counts at once')
  for (const name of [hashOf('linked'), '_deleted']) rmSync(join(run.examples, name), { recursive: true })
  rmSync(join(run.examples, hash), { recursive: true })
  t.match(await run.post('/api/lm/settings', { example_images_path: run.examples }), { json: { success: true } })
})

t.test('a folder is opened by address or path as the settings say, and a caller elsewhere learns no path of ours', async (t) => {
  const run = shared
  const hash = hashOf('d')
  const open = async (remoteAddress = '127.0.0.1') => (await run.app.inject({ method: 'POST', url: '/api/lm/open-example-images-folder', payload: { model_hash: hash }, remoteAddress })).json() as Record<string, unknown>
  t.match(await open(), { success: false, code: 'example-images-missing' })
  mkdirSync(join(run.examples, hash))
  const set = async (settings: object) => { await run.post('/api/lm/settings', settings) }
  await set({ example_images_open_mode: 'clipboard' })
  t.match(await open(), { success: true, mode: 'clipboard', path: join(run.examples, hash), relative_path: hash })
  t.match(await open('192.168.1.5'), { success: true, mode: 'clipboard', path: hash })
  await set({ example_images_open_mode: 'system' })
  t.match(await open('192.168.1.5'), { mode: 'clipboard', path: hash }, 'nothing is opened for others')
  await set({ example_images_open_mode: 'uri_template', example_images_local_root: 'Z:\\shared pics\\', example_images_open_uri_template: 'opener://{{encoded_local_path}}?f={{file_uri}}' })
  t.match(await open('192.168.1.5'), { mode: 'uri', path: `Z:\\shared pics\\${hash}`, uri: `opener://Z%3A%5Cshared%20pics%5C${hash}?f=file:///Z:/shared%20pics/${hash}` })
  for (const template of ['', 'javascript:alert(1)//{{local_path}}', 'data:text/html,{{relative_path}}', '{{relative_path}}']) {
    await set({ example_images_open_uri_template: template })
    t.match(await open(), { success: false }, template)
  }
})

t.test('tidying takes only folders of models that are gone, only in the folder of this library, and can be undone', async (t) => {
  const run = await exampleWorld(t, { prepare ({ loras }) { putModel(loras, 'kept'); putModel(loras, 'hidden', { exclude: true }) } })
  const clean = async (body: object = {}) => await run.post('/api/lm/cleanup-example-image-folders', body)
  for (const name of ['kept', 'hidden', 'gone']) putFile(join(run.examples, hashOf(name), 'image_0.png'), png(name))
  mkdirSync(join(run.examples, hashOf('empty')))
  putFile(join(run.examples, '_deleted', hashOf('gone'), 'image_0.png'), png('earlier'))
  const before = names(run.examples)
  t.match(await clean({ dry_run: true }), { status: 200, json: { success: true, dry_run: true, moved_total: 0, orphaned_folders: [hashOf('gone')], empty_folders: [hashOf('empty')] } })
  t.same(names(run.examples), before)
  const { status, json } = await clean()
  t.match({ status, json }, { status: 200, json: { success: true, partial_success: false, checked_folders: 4, moved_empty_folders: 1, moved_orphaned_folders: 1, moved_total: 2, move_failures: 0, errors: [], deleted_root: '_deleted' } })
  t.same(names(run.examples), ['_deleted', hashOf('kept'), hashOf('hidden')].sort())
  t.same(names(join(run.examples, '_deleted')), [hashOf('gone'), `${hashOf('gone')}_1`])
  await run.post(`/api/v1/operations/${(json as { operations: string[] }).operations[0]}/undo`)
  t.ok(existsSync(join(run.examples, hashOf('gone'), 'image_0.png')))

  for (let n = 0; n < 12; n++) putFile(join(run.examples, hashOf(`lost${n}`), 'image_0.png'), png('l'))
  t.match(await clean(), { status: 409, json: { success: false, error_code: 'too_many_orphans' } })
  putFile(join(run.examples, 'holiday/photo.jpg'), png('h'))
  t.match(await clean({ confirm: true }), { status: 400, json: { error_code: 'path_not_dedicated' } }, 'a folder with anything else in it is none of ours')
  t.equal(names(run.examples).length, 17)
  await run.post('/api/lm/settings', { example_images_path: '' })
  t.match(await clean(), { status: 400, json: { error_code: 'path_not_configured' } })
})

t.test('what was laid aside is listed, comes back where nothing newer is, and is removed only by age', async (t) => {
  const run = await exampleWorld(t, { prepare ({ loras }, double) { putModel(loras, 'z', { civitai: { images: imagesAt(double, 'z', 1) } }) } })
  const bin = join(run.examples, '_deleted')
  const folder = join(run.examples, hashOf('z'))
  const deleted = '/api/v1/example-images/deleted'
  const purge = async (query = '') => await run.call('DELETE', `${deleted}${query}`)
  t.match(await run.get(deleted), { status: 200, json: { items: [], next: null } })
  putFile(join(folder, 'image_0.png'), png('new'))
  putFile(join(bin, hashOf('z'), 'image_0.png'), png('old'))
  putFile(join(bin, hashOf('z'), '_originals/image_1.png'), png('first'))
  putFile(join(bin, `${hashOf('y')}_1`, 'image_0.png'), png('y'))
  putFile(join(bin, '0'.repeat(32), '1'), 'of the journal')
  putFile(join(run.directory, 'secret/image_0.png'), png('s'))
  symlinkSync(join(run.directory, 'secret'), join(bin, hashOf('x')))

  const ids = [hashOf('z'), `${hashOf('y')}_1`].sort()
  const { json } = await run.get(`${deleted}?limit=1`)
  t.match(json, { items: [{ id: ids[0], age_seconds: Number, deleted_at: String }], next: ids[0] })
  t.match(await run.get(`${deleted}?limit=1&after=${ids[0]}`), { json: { items: [{ id: ids[1] }], next: null } })
  const { items } = (await run.get(deleted)).json as { items: { id: string, model_hash: string, files: number, size: number }[] }
  t.match(items.find(({ id }) => id === hashOf('z')), { model_hash: hashOf('z'), files: 2, size: png('old').length + png('first').length })

  const restore = async (id: string) => await run.post(`${deleted}/${encodeURIComponent(id)}/restore`)
  for (const id of ['..', hashOf('x'), '0'.repeat(32), hashOf('nobody'), `../${hashOf('z')}`]) t.match(await restore(id), { status: 404, json: { success: false } }, id)
  const back = await restore(hashOf('z'))
  t.match(back, { status: 200, json: { restored: 1, left: [{ name: 'image_0.png', reason: /already exists/ }], operation: { state: 'partial' } } })
  t.same(readFileSync(join(folder, 'image_0.png')), png('new'), 'nothing is replaced')
  t.same(names(join(folder, '_originals')), ['image_1.png'])
  t.match(await restore(hashOf('z')), { status: 409, json: { code: 'destination-exists' } })
  rmSync(join(folder, 'image_0.png'))
  putFile(join(bin, hashOf('z'), 'image_0_1.png'), png('latest'))
  t.match(await restore(hashOf('z')), { json: { restored: 1, left: [{ name: 'image_0.png' }] } })
  t.same(readFileSync(join(folder, 'image_0.png')), png('latest'), 'of several for one place the one that was laid aside last')
  rmSync(join(folder, 'image_0.png'))
  const { operation } = (await restore(hashOf('z'))).json as { operation: { id: string } }
  t.same(readFileSync(join(folder, 'image_0.png')), png('old'))
  t.notOk(existsSync(join(bin, hashOf('z'))), 'an empty folder goes')
  t.match(await run.post(`/api/v1/operations/${operation.id}/undo`), { status: 200 })
  t.same(names(join(bin, hashOf('z'))), ['image_0.png'])

  t.match(await purge(), { status: 400, json: { code: 'age-missing' } })
  for (const age of ['-1', 'x', '']) t.equal((await purge(`?older_than_days=${age}`)).status, 400, age)
  t.match(await purge('?older_than_days=1'), { status: 200, json: { success: true, removed: 0 } }, 'what came today is no day old, whatever the time of its content')
  run.double.faults.always('GET /media/z/*', { hang: true })
  await run.post('/api/lm/download-example-images', { delay: 0 })
  for (const answer of [await purge('?older_than_days=0'), await restore(hashOf('z'))]) t.match(answer, { status: 409, json: { code: 'download-in-progress' } })
  await run.post('/api/lm/stop-example-images')
  await ended(run)
  t.match(await purge('?older_than_days=0'), { status: 200, json: { success: true, removed: 2, kept: [] } })
  t.same(names(bin), [hashOf('x'), '0'.repeat(32)].sort(), 'links and what the journal keeps stay')
  t.ok(existsSync(join(run.directory, 'secret/image_0.png')))
})

t.test('with several libraries each has its folder; what an earlier layout left is shown, moved by the next run, and back by undo', async (t) => {
  const run = await exampleWorld(t, { prepare ({ loras }) { putModel(loras, 'e', { civitai: { images: [] } }) } })
  const hash = hashOf('e')
  putFile(join(run.examples, hash, 'image_0.png'), png('e'))
  putFile(join(run.examples, hashOf('other'), 'image_0.png'), png('o'))
  await run.app.core.settings.saveLibrary('se cond', { folder_paths: { loras: [join(run.directory, 'elsewhere')] } })
  const files = async () => ((await run.get(`/api/lm/example-image-files?model_hash=${hash}`)).json as { files?: { path: string }[] }).files?.map(({ path }) => path)
  t.same(await files(), [`/example_images_static/${hash}/image_0.png`], 'reading moves nothing')
  await run.post('/api/lm/download-example-images', { delay: 0 })
  await ended(run)
  t.same(await files(), [`/example_images_static/default/${hash}/image_0.png`])
  t.equal((await run.app.inject({ url: `/example_images_static/default/${hash}/image_0.png` })).statusCode, 200)
  t.ok(existsSync(join(run.examples, hashOf('other'))), 'what may be another library\'s stays')
  t.ok(existsSync(join(run.examples, 'default/.download_progress.json')))
  const { items } = (await run.get('/api/v1/operations?limit=5')).json as { items: { id: string, kind: string }[] }
  const moved = items.find(({ kind }) => kind === 'example-layout')
  t.match(await run.post(`/api/v1/operations/${moved?.id}/undo`), { status: 200 })
  t.ok(existsSync(join(run.examples, hash, 'image_0.png')))
  await run.post('/api/lm/download-example-images', { delay: 0 })
  await ended(run)
  await run.app.core.settings.deleteLibrary('se cond')
  t.same(await files(), [`/example_images_static/default/${hash}/image_0.png`])
  await run.post('/api/lm/download-example-images', { delay: 0 })
  await ended(run)
  t.same(await files(), [`/example_images_static/${hash}/image_0.png`], 'with one library again everything lies at the top')
})

t.test('a list that others have reordered takes its files along', async (t) => {
  const run = await exampleWorld(t, { prepare ({ loras }, double) { putModel(loras, 'f', { civitai: { images: imagesAt(double, 'f', 3) } }) } })
  const go = async () => { await run.post('/api/lm/download-example-images', { delay: 0, model_hashes: [hashOf('f')] }); await ended(run) }
  await go()
  const [zero, one, two] = imagesAt(run.double, 'f', 3)
  const path = join(run.roots.loras, 'f.safetensors')
  const document = sidecarOf(run.roots.loras, 'f')
  const fresh = { url: `${run.double.origins.storage}/media/f/9.png`, type: 'image' }
  writeFileSync(join(run.roots.loras, 'f.metadata.json'), JSON.stringify({ ...document, civitai: { ...document.civitai, images: [two, fresh, zero] } }))
  await run.app.core.models.loras.refresh(path)
  const requests = run.double.requests.length
  await go()
  const content = (n: number) => readFileSync(join(run.examples, hashOf('f'), `image_${n}.png`))
  t.same([content(0), content(1), content(2)], [mediaOf('/media/f/2.png').bytes, mediaOf('/media/f/9.png').bytes, mediaOf('/media/f/0.png').bytes])
  t.equal(run.double.requests.length - requests, 1, 'only the new one is fetched')
  t.same(readFileSync(join(run.examples, '_deleted', hashOf('f'), 'image_1.png')), mediaOf('/media/f/1.png').bytes, 'what left the list is not lost')
  t.ok(one)
})

t.test('with the setting on, a model that was downloaded gets its images by itself, also while another run is under way', async (t) => {
  const run = await exampleWorld(t, { settings: { auto_download_example_images: true }, prepare ({ loras }, double) { putModel(loras, 'busy', { civitai: { images: imagesAt(double, 'busy', 1) } }) } })
  const bytes = modelBytes('new')
  await run.double.catalogue.add({ name: 'new.safetensors', source: { bytes }, modelId: 9, versionId: 90, images: [{}, { type: 'video' }] })
  const release = run.double.faults.always('GET /media/busy/*', { hang: true })
  await run.post('/api/lm/download-example-images', { delay: 0 })
  t.match(await run.post('/api/lm/download-model', { model_version_id: 90, model_root: run.roots.loras }), { status: 200, json: { success: true } })
  release()
  await run.post('/api/lm/stop-example-images')
  const files = await until(() => run.filesOf('new')?.filter((name) => !name.startsWith('.')), (found) => found?.length === 2)
  t.same(files, ['image_0.png', 'image_1.mp4'])
})

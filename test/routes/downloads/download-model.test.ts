import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { sha256 } from '../../services/downloads/file-server.ts'
import { putModel } from '../../helpers/running-app.ts'
import { downloadWorld, framesOf, lora, until } from './world.ts'

/** One for all tests that want nothing special of it, each in a folder of its own: a start costs more than what they do. */
const { app, double } = await downloadWorld(t)
function folder (name: string): string {
  const path = join(app.roots.loras, name)
  mkdirSync(path)
  return path
}

t.test('what can not be a download is refused before anything is noted', async (t) => {
  const bodies: [Record<string, unknown>, RegExp][] = [
    [{ download_id: 'x' }, /Missing required/],
    [{ model_id: '', download_id: 'x' }, /Missing required/],
    [{ model_id: 'abc', download_id: 'x' }, /integer/],
    [{ model_version_id: 1.5, download_id: 'x' }, /integer/],
    [{ model_id: -1, download_id: 'x' }, /integer/],
    [{ model_id: 1, model_root: '/etc', download_id: 'x' }, /outside/],
    [{ model_id: 1, model_root: `${app.roots.loras}/../..`, download_id: 'x' }, /outside/],
    [{ model_id: 1, model_root: app.roots.loras, relative_path: '../../x', download_id: 'x' }, /below/],
    [{ model_id: 1, model_root: app.roots.loras, relative_path: '/etc', download_id: 'x' }, /below/],
    [{ model_id: 1, model_root: app.roots.loras, relative_path: 'a\\..\\..\\..\\x', download_id: 'x' }, /below/],
    [{ model_id: 1, model_root: 7, download_id: 'x' }, /text/]
  ]
  for (const [body, text] of bodies) {
    const answer = await app.post('/api/lm/download-model', body)
    t.equal(answer.status, 400, JSON.stringify(body))
    t.match(answer.json, { success: false, error: text })
  }
  t.equal((await app.get('/api/lm/download-model-get')).status, 400)
  t.equal((await app.get('/api/lm/download-progress/x')).status, 404)
  t.equal(double.requests.length, 0)
  t.same((await app.get('/api/v1/downloads')).json, { items: [], next: null })
})

t.test('a gate is a 401 that says what would help; a missing file, a host that fails, an unknown version are a 500', async (t) => {
  const root = folder('gates')
  const open = { model_root: root }
  const gated = await double.catalogue.add({ ...lora(1000, 'gated.safetensors'), gate: 'early-access', versionExtra: { earlyAccessEndsAt: '2999-01-01T00:00:00.000Z' } })
  const early = await app.post('/api/lm/download-model', { ...open, model_version_id: gated.version.id, download_id: 'early' })
  t.equal(early.status, 401)
  t.match(early.json, { success: false, error: /early access until 2999-01-01.*401/, code: 'early-access', download_id: 'early' })
  t.match(await app.get('/api/lm/download-progress/early'), { status: 200, json: { status: 'failed' } })

  const login = await double.catalogue.add({ ...lora(1000, 'login.safetensors'), gate: 'login' })
  const noKey = await app.post('/api/lm/download-model', { ...open, model_version_id: login.version.id })
  t.equal(noKey.status, 401)
  t.match(noKey.json, { error: /API key/, code: 'api-key-missing' })

  const unknown = await app.post('/api/lm/download-model', { ...open, model_version_id: 987_654, download_id: 'u' })
  t.equal(unknown.status, 500)
  t.match(unknown.json, { success: false, download_id: 'u', code: 'version-not-found' })

  const gone = await double.catalogue.add(lora(1000, 'gone.safetensors'))
  double.faults.always(new RegExp(`/files/${gone.file.id}/`), { status: 404 })
  t.match(await app.post('/api/lm/download-model', { ...open, model_version_id: gone.version.id }), { status: 500, json: { success: false, code: 'download-gone' } })

  const odd = await double.catalogue.add({ ...lora(1000, 'odd.safetensors'), modelType: 'Wildcards' })
  t.match(await app.post('/api/lm/download-model', { ...open, model_version_id: odd.version.id }), { status: 500, json: { code: 'model-type-unsupported' } })
  t.same(readdirSync(root), [], 'nothing is left behind')
})

t.test('hostile names become safe ones, names that are taken get a suffix, nothing is overwritten', async (t) => {
  const root = folder('names')
  const names: [string, string][] = [
    ['../../evil.safetensors', 'evil.safetensors'],
    ['..\\..\\win.safetensors', 'win.safetensors'],
    ['a<b>:c|?*.safetensors', 'a_b__c___.safetensors'],
    ['con.safetensors', '_con.safetensors'],
    ['nul\u0000\u0007l.safetensors', 'nul__l.safetensors'],
    ['.hidden.safetensors', 'hidden.safetensors'],
    [`${'é'.repeat(300)}.safetensors`, `${'é'.repeat(100)}.safetensors`]
  ]
  for (const [name, wanted] of names) {
    const { version } = await double.catalogue.add({ ...lora(500), name, images: [] })
    const answer = await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })
    t.match(answer.json, { success: true, file_path: join(root, wanted) }, JSON.stringify(name))
  }
  const evil = await double.catalogue.add({ ...lora(500), name: 'page.html' })
  t.match(await app.post('/api/lm/download-model', { model_version_id: evil.version.id, model_root: root }), { status: 500, json: { code: 'file-type-unsupported' } })

  mkdirSync(join(root, 'x'))
  writeFileSync(join(root, 'x/taken.safetensors'), 'precious')
  for (const at of [0, 1]) {
    const { version, file } = await double.catalogue.add({ ...lora(500 + at), name: 'taken.safetensors' })
    const marked = `taken-${file.sha256.slice(0, 4)}.safetensors`
    t.match((await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, relative_path: 'x' })).json, { file_path: join(root, 'x', marked) })
  }
  t.equal(readFileSync(join(root, 'x/taken.safetensors'), 'utf8'), 'precious')
})

t.test('a sidecar that was left by a model that is gone keeps what its user wrote', async (t) => {
  const root = folder('left')
  writeFileSync(join(root, 'painted.metadata.json'), JSON.stringify({ file_name: 'painted', notes: 'mine', favorite: true, mystery: 1, base_model: 'old' }))
  const { version } = await double.catalogue.add({ ...lora(), baseModel: 'Pony' })
  await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })
  t.match(JSON.parse(readFileSync(join(root, 'painted.metadata.json'), 'utf8')), { notes: 'mine', favorite: true, mystery: 1, base_model: 'Pony' })
})

t.test('wrong bytes and pages never reach the library: they are put into the trash and reported', async (t) => {
  const root = folder('wrong')
  const wrong = await double.catalogue.add(lora(5000, 'wrong.safetensors'))
  double.faults.always(new RegExp(`/files/${wrong.file.id}/`), { wrongBytes: true })
  const answer = await app.post('/api/lm/download-model', { model_version_id: wrong.version.id, model_root: root, download_id: 'w' })
  t.equal(answer.status, 500)
  t.match(answer.json, { code: 'hash-mismatch', error: /SHA-256/ })
  t.same(readdirSync(root).filter((name) => name !== '.modelshelf-trash'), [])
  const trash = await app.get('/api/v1/trash')
  t.match(trash.json, { items: [{ kind: 'quarantine', items: [{ size: 5000 }] }] })
  t.match((await app.get('/api/lm/loras/list?folder=wrong')).json, { total: 0 })
  t.match(await app.get('/api/lm/download-progress/w'), { json: { status: 'failed' } })

  const text = Buffer.from('this is no model')
  const lie = await double.catalogue.add({ name: 'lie.safetensors', source: { bytes: text } })
  t.match(await app.post('/api/lm/download-model', { model_version_id: lie.version.id, model_root: root }), { status: 500, json: { code: 'file-damaged' } }, 'even with the right hash')
})

t.test('a file is never seen under its name before it is whole', async (t) => {
  const root = folder('seen')
  const slow = await double.catalogue.add(lora(600_000, 'slow.safetensors'))
  double.faults.next(new RegExp(`/files/${slow.file.id}/`), { slow: { bytes: 60_000, everyMs: 30 } })
  const path = join(root, 'slow.safetensors')
  const waiting = app.post('/api/lm/download-model', { model_version_id: slow.version.id, model_root: root })
  let seenPart = false
  while (await Promise.race([waiting.then(() => false), new Promise((resolve) => setTimeout(resolve, 5, true))])) {
    if (existsSync(path)) t.equal(statSync(path).size, slow.file.size)
    seenPart ||= existsSync(`${path}.part`)
  }
  t.equal((await waiting).status, 200)
  t.ok(seenPart)
  t.notOk(existsSync(`${path}.part`))
})

t.test('a call with an id that runs attaches to it; the request of a batch may use the id again', async (t) => {
  const root = folder('attached')
  const slow = await double.catalogue.add(lora(300_000, 'slow.safetensors'))
  const next = await double.catalogue.add(lora(1000, 'next.safetensors'))
  double.faults.next(new RegExp(`/files/${slow.file.id}/`), { slow: { bytes: 60_000, everyMs: 30 } })
  const body = { model_version_id: slow.version.id, model_root: root, download_id: 'one' }
  const [first, second] = await Promise.all([app.post('/api/lm/download-model', body), app.post('/api/lm/download-model', body)])
  t.same(first.json, second.json)
  t.equal(double.count(({ path }) => path.startsWith(`/files/${slow.file.id}/`)), 1)
  t.match((await app.post('/api/lm/download-model', { ...body, model_version_id: next.version.id })).json, { success: true, download_id: 'one', file_path: /next/ })
})

t.test('pause, resume, cancel and skip take effect within a second at any moment', async (t) => {
  const root = folder('controls')
  const control = async (word: string, id: string) => await app.get(`/api/lm/${word}?download_id=${id}`)
  const start = async (id: string, fault?: object, match?: string) => {
    const added = await double.catalogue.add(lora(2_000_000, `${id}.safetensors`))
    double.faults.next(new RegExp(match ?? `/files/${added.file.id}/`), fault ?? { slow: { bytes: 100_000, everyMs: 120 } })
    const frames = framesOf(app, id)
    const before = double.requests.length
    const ended = app.post('/api/lm/download-model', { model_version_id: added.version.id, model_root: root, download_id: id })
    await until(() => fault ? double.requests.length > before : frames.some(({ bytes_downloaded: bytes }) => Number(bytes) > 0))
    return { ended, frames, part: join(root, `${id}.safetensors.part`), ...added }
  }

  await t.test('pause and resume', async (t) => {
    const { ended, frames, part } = await start('p')
    const paused = await control('pause-download', 'p')
    t.match(paused, { status: 200, json: { success: true, message: String } })
    t.match(frames.at(-1), { status: 'paused', bytes_per_second: 0, download_id: 'p' })
    t.match(await app.get('/api/lm/download-progress/p'), { json: { status: 'paused', bytes_per_second: 0, progress: frames.at(-1)?.progress } })
    t.equal((await control('pause-download', 'p')).status, 400, 'it is paused already')
    await new Promise((resolve) => setTimeout(resolve, 600))
    const size = statSync(part).size
    await new Promise((resolve) => setTimeout(resolve, 400))
    t.equal(statSync(part).size, size, 'nothing is read')
    t.equal((await control('resume-download', 'p')).status, 200)
    t.match(frames.at(-1), { status: 'downloading' })
    t.equal((await control('resume-download', 'p')).status, 400)
    t.equal((await ended).status, 200)
  })

  await t.test('cancel', async (t) => {
    const { ended, frames, part } = await start('c')
    const began = performance.now()
    t.match(await control('cancel-download-get', 'c'), { status: 200, json: { success: true } })
    t.ok(performance.now() - began < 1000)
    t.match(await ended, { status: 200, json: { success: true, cancelled: true, download_id: 'c' } })
    t.match(frames.at(-1), { status: 'cancelled', progress: 0, download_id: 'c', message: String })
    t.notOk(existsSync(part), 'nothing is left')
    t.match(await control('cancel-download-get', 'c'), { status: 200, json: { success: false } }, 'it has ended')
  })

  await t.test('cancel while paused, and while it waits for an answer, a description or another try', async (t) => {
    const { ended, part } = await start('cp')
    await control('pause-download', 'cp')
    await control('cancel-download-get', 'cp')
    t.match((await ended).json, { cancelled: true })
    t.notOk(existsSync(part))
    const places: [string, object, string | undefined][] = [
      ['answer', { hang: true }, undefined],
      ['description', { hang: true }, '/model-versions/'],
      ['stalled', { stallAfter: 1000 }, undefined],
      ['again', { status: 503, retryAfter: 100 }, undefined],
      ['preview', { hang: true }, '/media/']
    ]
    for (const [id, fault, match] of places) {
      const { ended } = await start(id, fault, match)
      const began = performance.now()
      await control('cancel-download-get', id)
      t.match((await ended).json, { cancelled: true }, id)
      t.ok(performance.now() - began < 1500, `${id} took ${Math.round(performance.now() - began)} ms`)
      double.faults.clear()
    }
    t.same(readdirSync(root).filter((name) => !/^p\./.test(name)), [], 'nothing is left of any of them')
  })

  await t.test('skip keeps what was loaded, and the next download goes on with it', async (t) => {
    const { ended, frames, part, version, file } = await start('s')
    t.match(await control('skip-download', 's'), { status: 200, json: { success: true } })
    t.match((await ended).json, { success: true, cancelled: true })
    t.match(frames.at(-1), { status: 'skipped', progress: 0 })
    const size = statSync(part).size
    t.ok(size > 0)
    t.equal((await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })).status, 200)
    const last = double.requests.filter(({ path }) => path.startsWith(`/files/${file.id}/`)).at(-1)
    t.equal(last?.headers.range, `bytes=${size}-`)
    t.equal(last?.headers['if-range'], file.etag)
  })

  await t.test('ids that nobody knows', async (t) => {
    const frames = framesOf(app, 'zz')
    t.match(await control('cancel-download-get', 'zz'), { status: 200, json: { success: false, error: String } })
    t.match(await control('skip-download', 'zz'), { status: 200, json: { success: false } })
    t.match(frames, [{ status: 'cancelled' }, { status: 'skipped' }], 'clients wait for the frame all the same')
    t.equal((await control('pause-download', 'zz')).status, 400)
    t.equal((await control('resume-download', 'zz')).status, 400)
    for (const word of ['cancel-download-get', 'skip-download', 'pause-download', 'resume-download']) t.equal((await app.get(`/api/lm/${word}`)).status, 400)
    t.equal((await app.get('/api/lm/download-progress/zz')).status, 404)
  })
})

t.test('a download ends as a model in the library, with sidecar, preview, history and frames', async (t) => {
  const { app, double } = await downloadWorld(t)
  const { version, model, file } = await double.catalogue.add({ ...lora(), modelName: 'Painted', baseModel: 'Pony', tags: ['Style', 'x'], creator: 'painter', trainedWords: ['brush'], autov3: 'abcdef012345', images: [{ nsfwLevel: 16 }, { nsfwLevel: 1 }] })
  const frames = framesOf(app, 'my-id')
  const answer = await app.post('/api/lm/download-model', { model_id: String(model.id), model_version_id: version.id, use_default_paths: true, download_id: 'my-id' })
  t.equal(answer.status, 200)
  const path = join(app.roots.loras, 'Pony/style/painted.safetensors')
  t.same(answer.json, { success: true, download_id: 'my-id', file_path: path })
  t.equal(sha256(readFileSync(path)), file.sha256)
  t.same(readdirSync(dirname(path)).sort(), ['painted.metadata.json', 'painted.safetensors', 'painted.webp'])

  const sidecar = JSON.parse(readFileSync(join(dirname(path), 'painted.metadata.json'), 'utf8'))
  t.match(sidecar, {
    file_name: 'painted',
    model_name: 'Painted',
    file_path: path,
    size: file.size,
    sha256: file.sha256,
    base_model: 'Pony',
    from_civitai: true,
    preview_url: join(dirname(path), 'painted.webp'),
    preview_nsfw_level: 1,
    tags: ['Style', 'x'],
    metadata_source: 'civitai_api',
    autov3: 'abcdef012345',
    hash_status: 'completed',
    usage_tips: '{}',
    notes: '',
    favorite: false,
    civitai: { id: version.id, modelId: model.id, trainedWords: ['brush'], model: { name: 'Painted' }, creator: { username: 'painter' } }
  })
  t.equal(sidecar.civitai.images[0].meta.comfy, undefined)

  const { json: list } = await app.get('/api/lm/loras/list') as unknown as { json: { items: Record<string, unknown>[] } }
  t.match(list.items, [{ file_name: 'painted', folder: 'Pony/style', sha256: file.sha256, base_model: 'Pony' }])
  t.equal(app.app.core.downloads.history.has('lora', version.id), true)
  t.ok(app.frames.some(({ type }) => type === 'models_changed'))
  t.ok(app.events.some(({ type }) => type === 'model.created'))

  const scale = frames.filter(({ status }) => status === 'progress').map(({ progress }) => progress)
  t.same(scale.slice(0, 3), [0, 1, 3])
  t.equal(scale.at(-1), 100)
  t.match(frames.at(-1), { status: 'completed', progress: 100, download_id: 'my-id', bytes_downloaded: file.size, total_bytes: file.size })
  const polled = await app.get('/api/lm/download-progress/my-id')
  const { status, progress, bytes_downloaded: bytes, total_bytes: total, bytes_per_second: speed } = frames.at(-1) ?? {}
  t.same(polled.json, { success: true, progress, bytes_downloaded: bytes, total_bytes: total, bytes_per_second: speed, status })
  t.ok(double.requests.filter(({ server }) => server === 'storage').every(({ headers }) => headers.authorization === undefined), 'the storage host gets no key')
})

t.test('with the key what asks for a log-in is downloaded', async (t) => {
  const { app, double } = await downloadWorld(t, { apiKey: 'the-key', settings: { civitai_api_key: 'the-key' } })
  const { version } = await double.catalogue.add({ ...lora(), gate: 'login' })
  t.equal((await app.get(`/api/lm/download-model-get?model_version_id=${version.id}&use_default_paths=true`)).status, 200)
  t.ok(double.requests.filter(({ server }) => server === 'storage').every(({ headers }) => headers.authorization === undefined))
})

t.test('rules of the settings skip what they name', async (t) => {
  const { app, double } = await downloadWorld(t, { settings: { skip_previously_downloaded_model_versions: true, download_skip_base_models: ['Pony'] } })
  const seen = await double.catalogue.add(lora(1000, 'seen.safetensors'))
  app.app.core.downloads.history.mark({ type: 'lora', versionId: seen.version.id }, 'manual')
  const skipped = await app.post('/api/lm/download-model', { model_version_id: seen.version.id, use_default_paths: true, download_id: 's' })
  t.equal(skipped.status, 200)
  t.match(skipped.json, { success: true, skipped: true, status: 'skipped', reason: 'previously_downloaded_version', message: String, model_version_id: seen.version.id, file_name: 'seen.safetensors', download_id: 's' })
  t.match(await app.post('/api/lm/download-model', { model_version_id: seen.version.id, use_default_paths: true, file_params: { id: seen.file.id } }), { status: 200, json: { file_path: /seen/ } }, 'an explicit file is not skipped')

  const pony = await double.catalogue.add({ ...lora(1000, 'pony.safetensors'), baseModel: 'Pony' })
  t.match((await app.post('/api/lm/download-model', { model_version_id: pony.version.id, use_default_paths: true, file_params: { id: pony.file.id } })).json, { skipped: true, reason: 'base_model_excluded', base_model: 'Pony' })
})

t.test('what is there already is said so, and is not loaded again', async (t) => {
  const { app, double } = await downloadWorld(t)
  const first = await double.catalogue.add(lora(2000, 'twice.safetensors'))
  const second = await double.catalogue.add({ ...lora(2000, 'other.safetensors'), versionId: first.version.id, primary: false })
  const ask = async (more: object) => await app.post('/api/lm/download-model', { model_version_id: first.version.id, use_default_paths: true, ...more })
  t.equal((await ask({})).status, 200)
  const count = double.requests.length
  const again = await ask({})
  t.equal(again.status, 200)
  t.match(again.json, { success: false, error: /already exists in lora library/, download_id: String })
  t.equal(double.requests.length, count, 'nobody was asked')
  t.match((await ask({ file_params: { id: first.file.id } })).json, { success: false, error: /already exists in/ })
  t.match((await ask({ file_params: { id: second.file.id } })).json, { success: true, file_path: /other\.safetensors$/ }, 'another file of the version is another matter')
})

t.test('the file that is meant is taken; checkpoints of video and Flux go to the unet root', async (t) => {
  const { app, double } = await downloadWorld(t, { settings: { download_path_templates: { checkpoint: '' } } })
  const first = await double.catalogue.add({ name: 'full.ckpt', source: { bytes: Buffer.from('PK\u0003\u0004 a pickle') }, modelType: 'Checkpoint', baseModel: 'SD 1.5', primary: false, fileType: 'Config' })
  await double.catalogue.add({ name: 'pruned.ckpt', source: { bytes: Buffer.from('PK\u0003\u0004 smaller') }, versionId: first.version.id, fileType: 'Pruned Model', primary: false })
  t.match((await app.post('/api/lm/download-model', { model_version_id: first.version.id, use_default_paths: true })).json, { file_path: join(app.roots.checkpoints, 'pruned.ckpt') }, 'weights are chosen, a pickle is no archive')
  t.equal(readFileSync(join(app.roots.checkpoints, 'pruned.ckpt'), 'latin1'), 'PK\u0003\u0004 smaller')

  const flux = await double.catalogue.add({ ...lora(1000, 'flux.safetensors'), modelType: 'Checkpoint', baseModel: 'Flux.1 D' })
  t.match((await app.post('/api/lm/download-model', { model_version_id: flux.version.id, use_default_paths: true })).json, { file_path: join(app.roots.unet, 'flux.safetensors') })
  t.equal(JSON.parse(readFileSync(join(app.roots.unet, 'flux.metadata.json'), 'utf8')).sub_type, 'diffusion_model')
})

t.test('the server stops in the middle of a download, and the next one goes on with it by itself', async (t) => {
  const { app, double } = await downloadWorld(t)
  const { version, file } = await double.catalogue.add(lora(3_000_000, 'long.safetensors'))
  double.faults.next(new RegExp(`/files/${file.id}/`), { slow: { bytes: 100_000, everyMs: 200 } })
  const frames = framesOf(app, 'long')
  const waiting = app.post('/api/lm/download-model', { model_version_id: version.id, use_default_paths: true, download_id: 'long' })
  await until(() => frames.some(({ bytes_downloaded: bytes }) => Number(bytes) > 0))
  const again = await app.restart()
  t.match(await waiting, { status: 503, json: { code: 'shutting-down' } })
  await until(async () => (await again.get('/api/v1/downloads/long')).json.state as unknown === 'succeeded')
  const ranges = double.requests.filter(({ path }) => path.startsWith(`/files/${file.id}/`)).map(({ headers }) => headers.range)
  t.equal(ranges.length, 2)
  t.match(ranges[1], /^bytes=[1-9]\d*-$/)
  const path = join(again.roots.loras, 'SDXL 1.0/anime/long.safetensors')
  t.equal(sha256(readFileSync(path)), file.sha256)
  t.equal((await again.get('/api/lm/loras/list') as unknown as { json: { total: number } }).json.total, 1)
})

t.test('a version that is there counts as downloaded after a scan', async (t) => {
  const { app } = await downloadWorld(t, { prepare: (roots) => { putModel(roots.loras, 'known', { civitai: { id: 77, modelId: 7, name: 'v1' } }) } })
  await app.app.core.downloads.markLibraries()
  t.equal(app.app.core.downloads.history.has('lora', 77), true)
  t.same(app.app.core.downloads.history.versionsOf('lora', 7), [77])
})

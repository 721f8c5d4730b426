import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mediaOf } from '../../helpers/civitai/media.ts'
import { modelBytes, putFile, putModel } from '../../helpers/running-app.ts'
import { ended, exampleWorld, hashOf, imagesAt, putModels, sidecarOf, statusOf, until } from './world.ts'

const download = '/api/lm/download-example-images'
const all = { model_types: ['lora', 'checkpoint', 'embedding'], delay: 0 }

t.test('all images that are to be had come once, whatever the hosts do, and every frame adds up', async (t) => {
  const names = Array.from({ length: 9 }, (_, n) => `m${n}`)
  const run = await exampleWorld(t, {
    prepare ({ loras }, double) {
      putModels(loras, double, names, 3)
      putModel(loras, 'bare', { civitai: {} })
      putModel(loras, 'film', { civitai: { id: 5, images: [{ url: `${double.origins.storage}/media/film/0.mp4`, type: 'video' }, { url: `${double.origins.storage}/media/film/moved.png` }] } })
      putModel(loras, 'twin', { civitai: { id: 6, images: imagesAt(double, 'twin', 1) } })
      putFile(join(loras, 'twin-copy.safetensors'), modelBytes('twin'))
    }
  })
  const { faults } = run.double
  faults.next('GET /media/m1/0.png', { status: 429, retryAfter: 1 })
  faults.next('GET /media/m2/1.png', { status: 500 })
  faults.next('GET /media/m3/0.png', { reset: true })
  faults.next('GET /media/m4/2.png', { cutAfter: 20, html: true })
  faults.always('GET /media/m5/1.png', { status: 404 })
  faults.always('GET /media/m6/0.png', { html: true })
  faults.always('GET /media/m7/0.png', { headers: { 'content-type': 'text/plain' } })
  faults.always('GET /media/film/moved.png', { location: `${run.double.origins.storage}/media/film/elsewhere.png` })
  const started = await run.post(download, all)
  t.match(started, { status: 200, json: { success: true, message: 'Download started', status: { status: 'running', total: 12, completed: Number } } })
  const { status } = await ended(run)
  t.match(status, { status: 'completed', total: 12, completed: 12, current_model: '', waiting_until: null, end_time: Number })
  t.match(status.outcomes, { complete: 9, no_images: 1, not_found: 1, incomplete: 1, rate_limited: 0, skipped: 0 })
  const whole = ['image_0.png', 'image_1.png', 'image_2.png']
  for (const name of ['m0', 'm1', 'm2', 'm3', 'm4', 'm7']) t.same(run.filesOf(name), whole, name)
  t.same(run.filesOf('m5'), ['image_0.png', 'image_2.png'], 'one that is gone keeps no other from being fetched')
  t.same(run.filesOf('m6'), ['image_1.png', 'image_2.png'], 'a page is no image')
  t.same(run.filesOf('film'), ['image_0.mp4', 'image_1.png'])
  t.equal(run.filesOf('bare'), undefined, 'no folder for nothing')
  t.same(readFileSync(join(run.examples, hashOf('m1'), 'image_0.png')), mediaOf('/media/m1/0.png').bytes)
  t.same(sidecarOf(run.roots.loras, 'm5').civitai.images?.map(({ downloadFailed }) => downloadFailed), [undefined, undefined, undefined], 'the host said so once: that marks nothing')
  t.same(sidecarOf(run.roots.loras, 'm6').civitai.images?.map(({ downloadFailed }) => downloadFailed), [undefined, undefined, undefined])
  t.equal(run.double.count('GET /media/m0/*'), 3)
  t.ok(run.double.peak(1000, 'storage') <= 20, 'the budget of the host: ten at once after a pause, ten a second')

  const frames = run.frames.filter(({ type }) => type === 'example_images_progress') as { processed: number, completed: number, total: number, status: string, outcomes: Record<string, number> }[]
  t.ok(frames.length > 2)
  let last = 0
  for (const frame of frames) {
    t.equal(frame.processed, frame.completed)
    t.equal(Object.values(frame.outcomes).reduce((sum, count) => sum + count, 0), frame.completed)
    t.ok(frame.completed >= last && frame.completed <= frame.total && frame.total === 12)
    last = frame.completed
  }
  const { type, error, ...lastFrame } = frames.at(-1) as Record<string, unknown>
  t.match(status, lastFrame, 'polling reads what the sockets got')

  const progress = JSON.parse(readFileSync(join(run.examples, '.download_progress.json'), 'utf8'))
  t.match(progress, { naming_version: 2, completed: 12, total: 12 })
  t.same(progress.failed_models.sort(), [hashOf('bare'), hashOf('m5')].sort())
  t.notOk(progress.processed_models.includes(hashOf('m6')))

  const before = run.double.requests.length
  faults.clear()
  await run.post(download, all)
  t.match((await ended(run)).status.outcomes, { complete: 1, skipped: 11 }, 'only what was incomplete is asked for again')
  t.equal(run.double.requests.length - before, 1)
  t.same(run.filesOf('m6'), whole)

  await run.post(download, { ...all, model_hashes: [hashOf('m5').toUpperCase()] })
  t.match((await ended(run)).status, { total: 1, outcomes: { complete: 1 } }, 'named one by one, they are tried whatever is known')
  t.same(run.filesOf('m5'), whole)
})

t.test('an image is marked as gone only when its host said so twice, a day apart; hosts that are unwell mark nothing', async (t) => {
  const run = await exampleWorld(t, { prepare ({ loras }, double) { putModels(loras, double, ['g'], 2) } })
  const { faults } = run.double
  faults.always('GET /media/g/0.png', { status: 410 })
  const go = async () => { await run.post(download, all); return (await ended(run)).status }
  const marks = () => sidecarOf(run.roots.loras, 'g').civitai.images?.map(({ downloadFailed, downloadError }) => [downloadFailed, downloadError])
  const dayLater = () => {
    run.app.core.state.db.prepare('UPDATE example_image_absences SET first_at = first_at - 86400000, last_at = last_at - 86400000').run()
    const file = join(run.examples, '.download_progress.json')
    const record = JSON.parse(readFileSync(file, 'utf8'))
    for (const note of Object.values<{ at: number }>(record.failed_details)) note.at -= 86_400_000
    writeFileSync(file, JSON.stringify({ ...record, theirs: { kept: true } }))
  }
  t.match(await go(), { outcomes: { not_found: 1 }, failed_models: [hashOf('g')] })
  t.match(await go(), { outcomes: { skipped: 1 } }, 'it is not asked for again at once')
  t.equal(run.double.count('GET /media/g/0.png'), 1)
  t.same(marks(), [[undefined, undefined], [undefined, undefined]])
  faults.clear()
  faults.always('GET /media/g/0.png', { status: 403 })
  dayLater()
  t.match(await go(), { outcomes: { incomplete: 1 }, last_error: /403/ })
  t.same(marks(), [[undefined, undefined], [undefined, undefined]], 'a refusal is no absence')
  faults.clear()
  faults.always('GET /media/g/0.png', { status: 404 })
  t.match(await go(), { outcomes: { complete: 1 } }, 'what is left is complete')
  t.same(marks(), [[true, 'not_found'], [undefined, undefined]])
  t.match(JSON.parse(readFileSync(join(run.examples, '.download_progress.json'), 'utf8')), { theirs: { kept: true }, failed_models: [], processed_models: [hashOf('g')] })
  const requests = run.double.requests.length
  t.match(await go(), { outcomes: { skipped: 1 } })
  t.equal(run.double.requests.length, requests, 'what is marked is not asked for')

  rmSync(join(run.examples, hashOf('g'), 'image_1.png'))
  faults.clear()
  faults.always('GET /media/g/1.png', { status: 403 })
  t.match(await go(), { outcomes: { incomplete: 1 }, last_error: /403/ })
  t.match(await go(), { outcomes: { incomplete: 1 } }, 'a refusal is tried again by every run')
  t.same(marks(), [[true, 'not_found'], [undefined, undefined]])
  dayLater()
  t.match(await go(), { outcomes: { complete: 1 } })
  t.same(marks(), [[true, 'not_found'], [true, 'forbidden']], 'refused twice, a day apart')
  faults.clear()
  t.match(await run.post('/api/lm/force-download-example-images', { model_hashes: [hashOf('g')], delay: 0 }), { status: 200, json: { result: { successful: 1 } } })
  t.same(marks(), [[undefined, undefined], [undefined, undefined]], 'whoever asks for them anew lifts the marks')
  t.same(run.filesOf('g'), ['image_0.png', 'image_1.png'])
})

t.test('one run at a time; it pauses, goes on and stops from every state, and stops within a second', async (t) => {
  const names = Array.from({ length: 4 }, (_, n) => `p${n}`)
  const run = await exampleWorld(t, { prepare ({ loras }, double) { putModels(loras, double, names, 2) } })
  const control = async (verb: string) => await run.call('POST', `/api/lm/${verb}-example-images`)
  for (const verb of ['pause', 'resume', 'stop']) t.match(await control(verb), { status: 400, json: { success: false, error: 'No download in progress' } }, verb)
  const release = run.double.faults.always('GET /media/p1/*', { hang: true })
  const starts = await Promise.all([1, 2, 3].map(async () => await run.post(download, all)))
  t.same(starts.map(({ status }) => status).sort(), [200, 400, 400])
  t.match(starts.find(({ status }) => status === 400)?.json, { error: /already in progress/, status: { status: 'running' } })
  t.match(await run.post('/api/lm/force-download-example-images', {}), { status: 400, json: { error: /already in progress/ } }, 'running comes before what the body lacks')
  t.match(await run.post('/api/lm/check-example-images-needed'), { status: 200, json: { is_downloading: true, needs_download: false, message: String } })
  t.match(await control('resume'), { status: 400, json: { error: /not paused.*running/ } })
  await until(() => run.double.count('GET /media/p1/*'), (count) => count === 2)
  t.match(await control('pause'), { status: 200, json: { message: 'Download paused' } })
  t.match(await control('pause'), { status: 200 }, 'twice is as good')
  t.match(await statusOf(run), { is_downloading: true, status: { status: 'paused' } })
  t.match(await control('resume'), { status: 200, json: { message: 'Download resumed' } })
  t.match((await statusOf(run)).status, { status: 'running' })
  await control('pause')
  const began = Date.now()
  // In one turn: before the run has heard of it.
  const [stopped, paused, resumed] = await Promise.all(['stop', 'pause', 'resume'].map(control))
  t.match(stopped, { status: 200, json: { message: 'Download stopping' } }, 'also while it is paused')
  for (const answer of [paused, resumed]) t.match(answer, { status: 400, json: { success: false } }, 'what stops can neither be held nor go on')
  t.match(await ended(run), { status: { status: 'stopped', completed: 1 } })
  t.ok(Date.now() - began < 1000)
  t.match(await control('stop'), { status: 400 })
  t.same(run.filesOf('p1'), undefined, 'nothing stays of what did not come whole')
  const seen = [...new Set(run.frames.map(({ status }) => status))]
  for (const status of ['running', 'paused', 'stopping', 'stopped']) t.ok(seen.includes(status), status)

  release()
  await run.post(download, all)
  t.match(await ended(run), { status: { status: 'completed', outcomes: { complete: 3, skipped: 1 } } })
  t.equal(run.double.count('GET /media/p0/*'), 2, 'what is there is not asked for again')
})

t.test('force waits for the end, clears marks, names unknown hashes and is stopped by stop', async (t) => {
  const run = await exampleWorld(t, {
    prepare ({ loras }, double) {
      putModel(loras, 'f0', { civitai: { id: 1, images: imagesAt(double, 'f0', 2, { 0: { downloadFailed: true, downloadError: 'not_found' } }) } })
      putModels(loras, double, ['f1'], 1)
    }
  })
  const force = '/api/lm/force-download-example-images'
  t.match(await run.post(force, {}), { status: 400, json: { success: false, error: String } })
  t.match(await run.post(force, { model_hashes: ['..'] }), { status: 400, json: { code: 'model-hash-invalid' } })
  const answer = await run.post(force, { model_hashes: [hashOf('f0'), hashOf('nobody')], delay: 0 })
  t.match(answer, { status: 200, json: { success: true, message: 'Force download completed', result: { total: 1, processed: 1, successful: 1, errors: [], not_found: [hashOf('nobody')] } } })
  t.same(run.filesOf('f0'), ['image_0.png', 'image_1.png'])
  t.equal(sidecarOf(run.roots.loras, 'f0').civitai.images?.[0]?.downloadFailed, undefined)

  run.double.faults.always('GET /media/f1/*', { hang: true })
  const waiting = run.post(force, { model_hashes: [hashOf('f1')] })
  await until(() => run.double.count('GET /media/f1/*'), (count) => count > 0)
  await run.post('/api/lm/stop-example-images')
  t.match(await waiting, { status: 200, json: { message: 'Force download stopped', result: { successful: 0 } } })
})

t.test('overwrite fetches again what is there, keeps the files of before in the bin, and with async=1 nobody has to wait', async (t) => {
  const run = await exampleWorld(t, { prepare ({ loras }, double) { putModels(loras, double, ['w'], 3) } })
  const force = '/api/lm/force-download-example-images'
  const folder = join(run.examples, hashOf('w'))
  const bin = join(run.examples, '_deleted', hashOf('w'))
  const own = mediaOf('/mine.png').bytes
  const old = mediaOf('/old.png').bytes
  for (const n of [0, 1, 2]) putFile(join(folder, `image_${n}.${n === 0 ? 'webp' : 'png'}`), old)
  putFile(join(folder, 'custom_abcdefgh.png'), own)
  putFile(join(bin, 'image_1.png'), own)
  t.equal((await run.post(force, { model_hashes: [hashOf('w')], overwrite: 'yes' })).status, 400)
  await run.post(force, { model_hashes: [hashOf('w')] })
  t.equal(run.double.requests.length, 0, 'unless told what is there is not asked for')

  const before = ['custom_abcdefgh.png', 'image_0.webp', 'image_1.png', 'image_2.png']
  const release = run.double.faults.always('GET /media/w/*', { hang: true })
  const begun = await run.post(`${force}?async=1`, { model_hashes: [hashOf('w')], overwrite: true })
  t.match(begun, { status: 202, json: { success: true, message: 'Force download started', status: { status: 'running', total: 1, completed: 0 } } })
  t.match(await run.post(`${force}?async=1`, { model_hashes: [hashOf('w')] }), { status: 400, json: { error: /already in progress/ } })
  await until(() => run.double.count('GET /media/w/*'), (count) => count === 3)
  t.same(run.filesOf('w'), before, 'what is there stays until the new one is whole')
  await run.post('/api/lm/stop-example-images')
  await ended(run)
  t.same(run.filesOf('w'), before)

  release()
  run.double.faults.always('GET /media/w/2.png', { status: 403 })
  t.match(await run.post(force, { model_hashes: [hashOf('w')], overwrite: true }), { status: 200, json: { result: { total: 1, successful: 0, errors: [/403/] } } }, 'one that did not come is told')
  t.same(run.filesOf('w'), ['custom_abcdefgh.png', 'image_0.png', 'image_1.png', 'image_2.png'])
  const content = (name: string) => readFileSync(join(folder, name))
  t.same([content('image_0.png'), content('image_1.png'), content('image_2.png')], [mediaOf('/media/w/0.png').bytes, mediaOf('/media/w/1.png').bytes, old])
  t.same(content('custom_abcdefgh.png'), own)
  t.same(readdirSync(bin).sort(), ['image_0.webp', 'image_1.png', 'image_1_1.png'])
  t.same([readFileSync(join(bin, 'image_0.webp')), readFileSync(join(bin, 'image_1.png')), readFileSync(join(bin, 'image_1_1.png'))], [old, own, old], 'nor is anything in the bin replaced')
  t.equal(sidecarOf(run.roots.loras, 'w').civitai.images?.some(({ downloadFailed }) => downloadFailed), false)
})

t.test('an image that is gone asks for the metadata once; ratings and custom images stay through it', async (t) => {
  const run = await exampleWorld(t, {
    prepare ({ loras }, double) {
      putModel(loras, 'old', { civitai: { id: 70, modelId: 7, images: [{ url: `${double.origins.storage}/media/old/gone.png`, type: 'image' }, { url: `${double.origins.storage}/media/original=true/700.png`, type: 'image', nsfwLevel: 1 }], customImages: [{ id: 'mine', url: '' }] } })
    }
  })
  await run.double.catalogue.add({ name: 'old.safetensors', source: { bytes: modelBytes('old') }, modelId: 7, versionId: 70, images: [{ nsfwLevel: 1 }, { nsfwLevel: 2 }] })
  run.double.faults.always('GET /media/old/gone.png', { status: 404 })
  await run.post('/api/lm/example-images/set-nsfw-level', { model_hash: hashOf('old'), nsfw_level: 16, url: `${run.double.origins.storage}/media/original=true/700.png` })
  await run.post(download, all)
  const { status } = await ended(run)
  t.match(status, { status: 'completed', refreshed_models: [hashOf('old')], outcomes: { complete: 1 } })
  t.equal(run.double.count('GET /media/old/gone.png'), 1)
  const { images, customImages } = sidecarOf(run.roots.loras, 'old').civitai
  t.match(images, [{ id: 700, nsfwLevel: 16 }, { id: 701, nsfwLevel: 2 }], 'the rating is the user\'s')
  t.match(customImages, [{ id: 'mine' }])
  t.same(run.filesOf('old'), ['image_0.png', 'image_1.png'])
  t.same(readFileSync(join(run.examples, hashOf('old'), 'image_1.png')), mediaOf('/media/original=true/701.png').bytes)
})

t.test('examples beside a model are taken in: alone as its images, else as custom ones', async (t) => {
  const png = (n: number) => mediaOf(`/local/${n}.png`).bytes
  const run = await exampleWorld(t, {
    prepare ({ loras }, double) {
      putModel(loras, 'alone', { civitai: {} })
      putModels(loras, double, ['both'], 1)
      for (const n of [10, 2]) putFile(join(loras, `alone.example.${n}.png`), png(n))
      putFile(join(loras, 'both.example.0.png'), png(0))
    }
  })
  await run.post(download, all)
  t.match((await ended(run)).status, { outcomes: { complete: 2 } })
  t.same(run.filesOf('alone'), ['image_0.png', 'image_1.png'])
  t.same(readFileSync(join(run.examples, hashOf('alone'), 'image_0.png')), png(2), 'in natural order')
  t.match(sidecarOf(run.roots.loras, 'alone').civitai.images, [{ url: '', width: 1, height: 1, type: 'image', hasMeta: false }, { url: '' }])
  t.match(run.filesOf('both'), [/^custom_[a-z0-9]{8}\.png$/, 'image_0.png'])
  t.match(sidecarOf(run.roots.loras, 'both').civitai, { images: [{ url: /^http/ }], customImages: [{ url: '', id: /^[a-z0-9]{8}$/ }] })
  await run.post('/api/lm/force-download-example-images', { model_hashes: [hashOf('alone'), hashOf('both')] })
  t.equal(sidecarOf(run.roots.loras, 'both').civitai.customImages?.length, 1, 'once')
  t.equal(run.filesOf('both')?.length, 2)
})

t.test('bad requests change nothing; without a folder only the automatic one is content', async (t) => {
  const run = await exampleWorld(t, { settings: { example_images_path: '' }, prepare ({ loras }, double) { putModels(loras, double, ['x'], 1) } })
  t.match(await run.post(download, all), { status: 400, json: { success: false, error: String } })
  t.match(await run.post(download, { auto_mode: true }), { status: 200, json: { success: true, message: String, status: { status: 'idle', total: 0, processed: 0, errors: [], processed_models: [] } } })
  t.match(await run.post('/api/lm/force-download-example-images', { model_hashes: [hashOf('x')] }), { status: 400 })
  t.match(await statusOf(run), { is_downloading: false, status: { status: 'idle' } })
  for (const body of [{ delay: 'x' }, { model_types: 'lora' }, { model_hashes: [1] }, { model_hashes: ['0'.repeat(63)] }, { force: 'yes' }]) t.equal((await run.post(download, body)).status, 400, JSON.stringify(body))
  const raw = await run.app.inject({ method: 'POST', url: download, payload: '{', headers: { 'content-type': 'application/json' } })
  t.match({ status: raw.statusCode, json: raw.json() }, { status: 400, json: { success: false, code: 'malformed-json' } })
  t.same(readdirSync(run.examples), [])
  t.equal(run.double.requests.length, 0)
})

t.test('a run that nobody can be reached for ends early and marks nothing; so does a folder that is away', async (t) => {
  const names = Array.from({ length: 8 }, (_, n) => `o${n}`)
  const run = await exampleWorld(t, { prepare ({ loras }) { for (const name of names) putModel(loras, name, { civitai: { images: [{ url: `http://127.0.0.1:1/${name}.png` }] } }) } })
  const refused = await run.post(download, all)
  t.equal(refused.status, 200)
  t.match((await ended(run)).status, { status: 'completed', outcomes: { incomplete: 8 } }, 'an address inside is refused, one by one')
  await run.post('/api/lm/settings', { offline_mode: true })
  await run.post(download, { ...all, force: true })
  const { status } = await ended(run)
  t.match(status, { status: 'error', last_error: /offline/, completed: 3 })
  t.match(run.frames.at(-1), { status: 'error', error: /offline/ })
  for (const name of names) t.equal(sidecarOf(run.roots.loras, name).civitai.images?.[0]?.downloadFailed, undefined)
  rmSync(run.examples, { recursive: true })
  t.match(await run.post(download, all), { status: 500, json: { success: false, error: /may be away/ } })
  t.match((await statusOf(run)).status, { status: 'error' })
  mkdirSync(run.examples)
  writeFileSync(join(run.examples, '.download_progress.json'), 'broken')
  await run.post('/api/lm/settings', { offline_mode: false })
  t.match(await run.post(download, all), { status: 200 }, 'a broken note of earlier runs is no note')
  await ended(run)
})

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { putModel } from '../../helpers/running-app.ts'
import { sha256, weights } from '../../services/downloads/file-server.ts'
import { downloadWorld, framesOf, lora, until } from './world.ts'

interface Listed { items: { id: string, state: string }[], next: string | null }

/** One for all tests that want nothing special of it: a start costs more than what they do. */
const { app, double } = await downloadWorld(t)

t.test('the list that clients keep with us answers as they know it', async (t) => {
  const get = async (path: string) => await app.get(`/api/lm/downloads/${path}`)
  t.same((await get('queue')).json, { success: true, queue: [], stats: { queued: 0, downloading: 0, paused: 0, completed: 0, failed: 0, canceled: 0 } })
  const params = encodeURIComponent('{"id": 5, "type": "Model"}')
  t.match(await get(`queue/add?download_id=k1&model_id=11&model_version_id=22&model_name=A&version_name=v1&file_params=${params}`), { status: 200, json: { success: true, item: { download_id: 'k1', model_id: 11, file_params: '{"id":5,"type":"Model"}', source: null } } })
  t.match((await get('queue/add')).json, { item: { download_id: /^[0-9a-f-]{36}$/, model_id: null, model_name: '' } })
  for (const wrong of ['model_id=x', 'model_version_id=1.5', 'file_params=%7B']) t.equal((await get(`queue/add?${wrong}`)).status, 400, wrong)
  t.same((await get('queue/move-to-top?download_id=k1')).json, { success: true })
  t.same((await get('queue/move-to-end?download_id=zz')).json, { success: false })
  t.equal((await get('queue/remove')).status, 400)
  t.match(await get('queue/status?download_id=k1&status=zzz'), { status: 400, json: { success: false } })
  t.match(await get('queue/status?download_id=zz&status=paused'), { status: 404 })
  t.same((await get('queue/status?download_id=k1&status=downloading')).json, { success: true })
  t.match((await get('queue/complete?download_id=k1&status=failed&error=boom')).json, { success: true, item: { status: 'downloading' } })
  t.match((await get('history')).json, { success: true, items: [{ download_id: 'k1', status: 'failed', error: 'boom', is_already_exists: 0 }], total: 1, limit: 50, offset: 0 })
  t.match((await get('history?limit=9999&offset=-5')).json, { limit: 500, offset: 0 })
  t.equal((await get('history?limit=x')).status, 400)
  t.same((await get('queue/add?download_id=k1')).json, { success: true, item: {} })
  t.match(await get('history/retry?download_id=zz'), { status: 404, json: { error: 'History item not found or not retryable' } })
  t.match(await get('history/delete'), { status: 400, json: { error: 'id or download_id is required' } })
  t.match((await app.post('/api/lm/downloads/history/retry', { download_id: 'k1' })).json, { success: true, item: { source: 'retry', file_params: '{"id":5,"type":"Model"}' } }, 'POST is as good')
  t.same((await get('history/retry-all')).json, { success: true, retry_count: 0 })
  t.same((await get('queue/clear')).json, { success: true, cleared: 2 })
  t.match((await get('stats')).json, { success: true, stats: { failed: 0 } })
  for (const path of ['/api/lm/downloads/queue/clear', '/api/lm/download-model-get', '/api/lm/cancel-download-get']) {
    t.equal((await app.app.inject({ method: 'HEAD', url: path })).statusCode, 405, 'a HEAD changes nothing')
  }
})

t.test('rows that clients keep are passive; started under their id they follow the download into the history', async (t) => {
  const good = await double.catalogue.add(lora(2000, 'good.safetensors'))
  for (const id of ['x', 'y', 'z']) await app.get(`/api/lm/downloads/queue/add?download_id=${id}&model_version_id=${good.version.id}`)
  t.equal((await app.post('/api/lm/download-model', { model_version_id: good.version.id, model_root: app.roots.loras, download_id: 'x' })).status, 200)
  t.equal((await app.post('/api/lm/download-model', { model_version_id: 99_999, model_root: app.roots.loras, download_id: 'y' })).status, 500)
  t.match((await app.get('/api/lm/downloads/history')).json, { items: [{ download_id: 'y', status: 'failed', error: String }, { download_id: 'x', status: 'completed', file_path: join(app.roots.loras, 'good.safetensors'), bytes_downloaded: 2000 }] })
  t.match((await app.get('/api/lm/downloads/queue')).json, { queue: [{ download_id: 'z', status: 'queued' }] }, 'nobody started this one')
})

t.test('what goes on with a download is told after it is in the library', async (t) => {
  const told: unknown[] = []
  app.app.core.downloads.onFinished((finished) => { told.push(finished) })
  const { version, model, file } = await double.catalogue.add(lora())
  await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: app.roots.loras, download_id: 'f' })
  t.same(told, [{ download: 'f', model_type: 'lora', file_path: join(app.roots.loras, 'painted.safetensors'), sha256: file.sha256, model_id: model.id, version_id: version.id, file_id: file.id, file_name: 'painted.safetensors' }])
})

t.test('files of Hugging Face are listed and downloaded, held against the hash of their store', async (t) => {
  await double.addRepository('user/repo', [{ path: 'sub/model.safetensors', source: { bytes: weights(9000) } }, { path: 'small.safetensors', source: { bytes: weights(500) } }])
  const listed = await app.get('/api/lm/hf-repo-files?repo=user/repo')
  t.match(listed, { status: 200, json: [{ filename: 'sub/model.safetensors', size: 9000 }, { filename: 'small.safetensors', size: 500 }] })
  t.equal((await app.get('/api/lm/hf-repo-files?repo=..')).status, 400)
  t.equal((await app.get('/api/lm/hf-repo-files?repo=no/body')).status, 404)
  const frames = framesOf(app, 'hf')
  const body = { repo: 'user/repo', filename: 'sub/model.safetensors', model_root: app.roots.loras, use_default_paths: true, download_id: 'hf' }
  const path = join(app.roots.loras, 'huggingface/user/repo/model.safetensors')
  t.match(await app.post('/api/lm/download-hf-model', body), { status: 200, json: { success: true, path } })
  t.match(JSON.parse(readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8')), { hf_url: 'https://huggingface.co/user/repo', from_civitai: false, base_model: 'Unknown', civitai: {} })
  t.ok(frames.every(({ download_id: id }) => id === 'hf'))
  t.match(await app.post('/api/lm/download-hf-model', body), { status: 200, json: { success: true, message: /exists/ } })
  for (const wrong of [{ repo: 'a' }, { filename: '../x.safetensors' }, { model_root: '/etc' }, { model_root: '' }, { relative_path: '..', use_default_paths: false }]) {
    t.equal((await app.post('/api/lm/download-hf-model', { ...body, ...wrong })).status, 400, JSON.stringify(wrong))
  }
})

t.test('a model is tied to a repository of Hugging Face', async (t) => {
  const path = putModel(app.roots.loras, 'tied', { civitai: { id: 5 }, notes: 'mine' })
  await app.get('/api/lm/loras/scan')
  await app.idle()
  const tie = async (body: object) => await app.post('/api/lm/set-hf-url', body)
  for (const wrong of [{}, { file_path: path }, { file_path: path, hf_url: 'https://example.org/a/b' }, { file_path: path, hf_url: 'https://huggingface.co/a/b/tree/main' }, { file_path: '/etc/passwd', hf_url: 'https://huggingface.co/a/b' }]) {
    t.equal((await tie(wrong)).status, 400, JSON.stringify(wrong))
  }
  t.equal((await tie({ file_path: join(app.roots.loras, 'none.safetensors'), hf_url: 'https://huggingface.co/a/b' })).status, 404)
  t.match(await tie({ file_path: path, hf_url: 'https://huggingface.co/a/b' }), { status: 200, json: { success: true, message: String, hf_url: 'https://huggingface.co/a/b' } })
  t.match(JSON.parse(readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8')), { hf_url: 'https://huggingface.co/a/b', from_civitai: false, notes: 'mine', civitai: { id: 5 } })
  t.match((await app.get('/api/lm/loras/list?search=tied')).json, { items: [{ hf_url: 'https://huggingface.co/a/b', from_civitai: false }] })
})

t.test('our own queue runs what it is given, is paused, cancelled and tried again, and survives a restart', async (t) => {
  const { app, double } = await downloadWorld(t)
  const added = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) added.push(await double.catalogue.add(lora(400_000, `${name}.safetensors`)))
  double.faults.always(/\/files\//, { slow: { bytes: 40_000, everyMs: 100 } })
  const queued = await app.post('/api/v1/downloads', { items: added.map(({ version }, n) => ({ model_version_id: version.id, download_id: `q${n}` })) })
  t.equal(queued.status, 202)
  t.equal((queued.json as unknown as { downloads: unknown[] }).downloads.length, 5)
  const states = async (on = app) => Object.fromEntries((await on.get('/api/v1/downloads') as unknown as { json: Listed }).json.items.map(({ id, state }) => [id, state]))
  await until(async () => (await states()).q2 === 'running')
  t.match(await states(), { q0: 'running', q1: 'running', q3: 'queued', q4: 'queued' }, 'three at a time')
  await until(() => double.count(/\/files\//) >= 3)

  t.match(await app.post('/api/v1/downloads/q0/pause'), { status: 200, json: { state: 'paused' } })
  t.equal((await app.post('/api/v1/downloads/q0/pause')).status, 409)
  t.match(await app.get('/api/lm/download-progress/q0'), { json: { status: 'paused' } })
  t.match(await app.post('/api/v1/downloads/q1/cancel'), { status: 200, json: { state: 'cancelled' } })
  t.match(await app.post('/api/v1/downloads/q4/cancel'), { status: 200, json: { state: 'cancelled' } }, 'one that only waits')
  t.equal((await app.post('/api/v1/downloads/q2/retry')).status, 409)
  t.equal((await app.post('/api/v1/downloads/zz/pause')).status, 404)
  t.equal((await app.get('/api/v1/downloads/zz')).status, 404)
  t.equal((await app.post('/api/v1/downloads', { items: [{ model_version_id: 1 }, { model_root: '/etc', model_id: 1 }] })).status, 400)
  t.equal(Object.keys(await states()).length, 5, 'all or none are taken')

  const again = await app.restart()
  double.faults.clear()
  t.equal((await states(again)).q0, 'paused')
  t.match(await again.post('/api/v1/downloads/q0/resume'), { status: 200 })
  t.match(await again.post('/api/v1/downloads/q1/retry'), { status: 200 })
  await until(async () => {
    const now = await states(again)
    return ['q0', 'q1', 'q2', 'q3'].every((id) => now[id] === 'succeeded') && now.q4 === 'cancelled'
  })
  const files = readdirSync(join(again.roots.loras, 'SDXL 1.0/anime')).filter((name) => !name.includes('.metadata.') && !name.endsWith('.webp')).sort()
  t.same(files, ['a.safetensors', 'b.safetensors', 'c.safetensors', 'd.safetensors'])
  t.match(await again.get('/api/v1/downloads?state=cancelled'), { json: { items: [{ id: 'q4' }] } })
})

t.test('verify finds what a disk has changed, changes nothing itself, and the file can be fetched again in its place', async (t) => {
  const bytes = weights(50_000)
  const { app, double } = await downloadWorld(t)
  const { version } = await double.catalogue.add({ name: 'rotten.safetensors', source: { bytes } })
  await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: app.roots.loras })
  const path = join(app.roots.loras, 'rotten.safetensors')
  putModel(app.roots.loras, 'sound')
  await app.get('/api/lm/loras/scan')
  await app.idle()
  const rotten = Buffer.from(bytes)
  rotten[40_000] = (rotten[40_000] ?? 0) ^ 1
  writeFileSync(path, rotten)

  const verify = async (body: object) => {
    const { job } = (await app.post('/api/v1/verify', body)).json as unknown as { job: { id: string } }
    return (await app.app.core.jobs.finished(job.id))
  }
  const job = await verify({})
  t.equal(job.state, 'succeeded')
  t.match(job.result, { checked: 2, sound: 1, damaged: [{ file_path: path, finding: 'rot', expected: sha256(bytes), actual: sha256(rotten), fetch: { model_version_id: version.id, replaces: path } }] })
  t.match(job.failures, [{ item: path }])
  t.equal((await app.post('/api/v1/verify', { model_types: ['x'] })).status, 400)

  const { damaged } = job.result as { damaged: { fetch: object }[] }
  t.equal((await app.post('/api/v1/downloads', { ...damaged[0]?.fetch, download_id: 'again' })).status, 202)
  await until(async () => (await app.get('/api/v1/downloads/again')).json.state as unknown === 'succeeded')
  t.equal(sha256(readFileSync(path)), sha256(bytes))
  await app.idle()
  t.match((await verify({ file_paths: [path] })).result, { checked: 1, sound: 1, damaged: [] })
  t.match((await app.get('/api/v1/trash')).json, { items: [{ items: [{ original_path: path }] }] }, 'the damaged one is in the trash')
})

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { downloadWorld } from '../downloads/world.ts'
import { modelBytes, putModel, sha256Of } from '../../helpers/running-app.ts'

const version = (id: number, modelId: number, more: object = {}) => ({ civitai: { id, modelId, name: `v${id}`, ...more } })

/** One for all: a start costs more than everything that is asked here. */
const { app, double } = await downloadWorld(t, {
  prepare (roots) {
    const files = [{ id: 91, name: 'renamed-since.safetensors', hashes: { SHA256: sha256Of(modelBytes('sub/first')).toUpperCase() } }, { id: 92, name: 'second.safetensors', hashes: { SHA256: 'f'.repeat(64) } }, 'odd']
    putModel(roots.loras, 'sub/first', version(11, 1, { files }))
    putModel(roots.loras, 'second', { sha256: '', ...version(11, 1, { files }) })
    putModel(roots.loras, 'own-edit', version(11, 1))
    putModel(roots.loras, 'newer', version(12, 1))
    putModel(roots.checkpoints, 'also-eleven', version(11, 5))
    putModel(roots.embeddings, 'hidden', { exclude: true, ...version(31, 3) })
  }
})

t.test('an extension learns which versions and files of a model are here, and which were', async (t) => {
  const { history } = app.app.core.downloads
  history.mark({ type: 'checkpoint', versionId: 71, modelId: 7 }, 'download')
  history.mark({ type: 'checkpoint', versionId: 70, modelId: 7 }, 'download')
  const check = async (query: string) => await app.get(`/api/lm/check-model-exists?${query}`)

  const { downloadedFiles, ...found } = (await check('modelId=1&modelVersionId=11')).json
  t.same(found, { success: true, exists: true, modelType: 'lora', hasBeenDownloaded: false }, 'LoRAs are searched first')
  t.same(downloadedFiles, [
    { fileId: 91, fileName: 'renamed-since.safetensors', filePath: join(app.roots.loras, 'sub/first.safetensors') },
    { fileId: 92, fileName: 'second.safetensors', filePath: join(app.roots.loras, 'second.safetensors') },
    { fileId: null, fileName: 'own-edit.safetensors', filePath: join(app.roots.loras, 'own-edit.safetensors') }
  ], 'by hash, by name, or as a file that nobody knows')
  t.match((await check('modelId=3&modelVersionId=31')).json, { exists: true, modelType: 'embedding', downloadedFiles: [{ fileId: null }] }, 'an excluded model is here too')
  t.same((await check('modelId=7&modelVersionId=71')).json, { success: true, exists: false, modelType: 'checkpoint', hasBeenDownloaded: true, downloadedFiles: [] })
  t.same((await check('modelId=8&modelVersionId=88')).json, { success: true, exists: false, modelType: null, hasBeenDownloaded: false, downloadedFiles: [] })

  const versionsOfOne = [{ versionId: 11, name: 'v11', hasBeenDownloaded: true }, { versionId: 12, name: 'v12', fileName: 'newer', hasBeenDownloaded: true }]
  const one = (await check('modelId=1')).json as { versions: { versionId: number }[] }
  t.match({ ...one, versions: [...one.versions].sort((a, b) => a.versionId - b.versionId) }, { success: true, modelType: 'lora', versions: versionsOfOne, downloadedVersionIds: [] })
  t.same((await check('modelId=7')).json, { success: true, modelType: 'checkpoint', versions: [], downloadedVersionIds: [70, 71] })
  t.same((await check('modelId=3')).json, { success: true, modelType: 'embedding', versions: [{ versionId: 31, name: 'v31', fileName: 'hidden', hasBeenDownloaded: true }], downloadedVersionIds: [] })
  t.match(await check('modelVersionId=1'), { status: 400, json: { success: false, error: 'Missing required parameter: modelId' } })
  for (const wrong of ['modelId=x', 'modelId=1.5', 'modelId=0', 'modelId=1&modelVersionId=x']) t.equal((await check(wrong)).status, 400, wrong)

  const many = (await app.get('/api/lm/check-models-exist?modelIds=5,x,1,,7,5,-3,1.5')).json as { results: { modelId: number }[] }
  t.same(many.results.map(({ modelId }) => modelId), [5, 1, 7], 'each once, in the order asked')
  t.match(many, { success: true, results: [{ modelType: 'checkpoint', versions: [{ versionId: 11 }] }, { modelType: 'lora' }, { modelType: null, versions: [], downloadedVersionIds: [] }] })
  for (const query of ['', '?modelIds=', '?modelIds=a,b']) t.same((await app.get(`/api/lm/check-models-exist${query}`)).json, { success: true, results: [] })
})

t.test('what counts as downloaded is read and set by GET and by POST', async (t) => {
  const read = async (query: string) => await app.get(`/api/lm/model-version-download-status?${query}`)
  t.match(await read('modelVersionId=5'), { status: 400, json: { error: 'Parameter modelType is required' } })
  for (const wrong of ['modelType=lora', 'modelType=wildcards&modelVersionId=5', 'modelType=lora&modelVersionId=x', 'modelType=__proto__&modelVersionId=5']) t.equal((await read(wrong)).status, 400, wrong)
  t.same((await read('modelType=LoCon&modelVersionId=5')).json, { success: true, modelType: 'lora', modelVersionId: 5, hasBeenDownloaded: false })
  t.match((await read('modelType=embedding&modelVersionId=31')).json, { hasBeenDownloaded: true }, 'what is in the library counts, noted or not')

  const set = '/api/lm/set-model-version-download-status'
  t.same((await app.get(`${set}?modelType=dora&modelVersionId=5&downloaded=1&modelId=2`)).json, { success: true, modelType: 'lora', modelVersionId: 5, hasBeenDownloaded: true })
  t.match((await read('modelType=lora&modelVersionId=5')).json, { hasBeenDownloaded: true })
  t.same(app.app.core.downloads.history.versionsOf('lora', 2), [5])
  t.same((await app.post(set, { modelType: 'TextualInversion', modelVersionId: '6', downloaded: true, filePath: '/gone/x.pt' })).json, { success: true, modelType: 'embedding', modelVersionId: 6, hasBeenDownloaded: true })
  t.same((await app.post(set, { modelType: 'lora', modelVersionId: 5, downloaded: false })).json, { success: true, modelType: 'lora', modelVersionId: 5, hasBeenDownloaded: false })
  await app.get(`${set}?modelType=embedding&modelVersionId=31&downloaded=false`)
  t.match((await read('modelType=embedding&modelVersionId=31')).json, { hasBeenDownloaded: false }, 'unless the user says otherwise')
  for (const wrong of [{}, { modelType: 'lora', modelVersionId: 5 }, { modelType: 'lora', modelVersionId: 5, downloaded: 'yes' }, { modelType: 'lora', modelVersionId: 5, downloaded: true, modelId: 'x' }, { modelType: 'lora', modelVersionId: 5, downloaded: true, filePath: 7 }]) {
    t.equal((await app.post(set, wrong)).status, 400, JSON.stringify(wrong))
  }
  t.equal((await app.app.inject({ method: 'HEAD', url: `${set}?modelType=lora&modelVersionId=5&downloaded=1` })).statusCode, 405, 'a HEAD changes nothing')
  t.match((await read('modelType=lora&modelVersionId=5')).json, { hasBeenDownloaded: false })
})

t.test('all versions of a model are told with what of them is or was here', async (t) => {
  const { model, version: old } = await double.catalogue.add({ name: 'a.safetensors', source: { bytes: Buffer.from('a') }, modelId: 1, versionId: 11, modelType: 'LoCon', modelName: 'Painted' })
  const { version: newest } = await double.catalogue.add({ name: 'b.safetensors', source: { bytes: Buffer.from('b') }, modelId: 1, versionId: 13, images: [] })
  app.app.core.downloads.history.mark({ type: 'lora', versionId: 13 }, 'manual')
  const ask = async (query: string) => await app.get(`/api/lm/model-versions-status${query}`)
  t.match(await ask(`?modelId=${model.id}`), {
    status: 200,
    json: {
      success: true,
      modelId: 1,
      modelName: 'Painted',
      modelType: 'locon',
      versions: [
        { id: newest.id, name: newest.name, thumbnailUrl: null, inLibrary: false, hasBeenDownloaded: true },
        { id: old.id, name: old.name, thumbnailUrl: /^http/, inLibrary: true }
      ]
    }
  })
  t.match(await ask(''), { status: 400, json: { error: 'Missing required parameter: modelId' } })
  t.equal((await ask('?modelId=x')).status, 400)
  t.equal((await ask('?modelId=424242')).status, 404)
  const odd = await double.catalogue.add({ name: 'w.zip', source: { bytes: Buffer.from('w') }, modelType: 'Wildcards' })
  t.match(await ask(`?modelId=${odd.model.id}`), { status: 400, json: { error: /Wildcards/ } })
  double.faults.always(/\/models\//, { html: true })
  t.equal((await ask('?modelId=434343')).status, 503)
})

t.test('what a creator has published is told a page at a time, with what of it is or was here', async (t) => {
  double.faults.clear()
  const { history } = app.app.core.downloads
  for (let at = 0; at < 120; at++) await double.catalogue.add({ name: `u${at}.safetensors`, source: { bytes: Buffer.from(`u${at}`) }, modelId: 9000 + at, versionId: 9500 + at, modelType: at === 118 ? 'Wildcards' : at === 119 ? 'DoRA' : 'LORA', modelName: `Work ${at}`, creator: 'Prolific', images: at === 119 ? [] : [{ nsfwLevel: 16 }] })
  history.mark({ type: 'lora', versionId: 9617 }, 'download')
  const ask = async (query: string) => await app.get(`/api/lm/civitai/user-models${query}`)
  const first = await ask('?username=Prolific')
  t.match(first, { status: 200, json: { success: true, username: 'Prolific', modelCount: 99, nextCursor: '100', hasMore: true, estimatedTotal: 120 } })
  const versions = first.json.versions as Record<string, unknown>[]
  t.same(versions[0], { modelId: 9119, versionId: 9619, modelName: 'Work 119', versionName: 'v1.0', type: 'dora', tags: ['style', 'anime'], baseModel: 'SDXL 1.0', thumbnailUrl: null, inLibrary: false, hasBeenDownloaded: false })
  t.match(versions[1], { modelId: 9117, thumbnailUrl: /^http/, hasBeenDownloaded: true, inLibrary: false }, 'what can\'t be used here is left out')
  t.match(await ask('?username=Prolific&cursor=100'), { status: 200, json: { modelCount: 20, nextCursor: null, hasMore: false, estimatedTotal: null } })
  t.match((await ask('?username=painter')).json.versions, [{ versionId: Number }])
  t.ok(((await ask('?username=painter')).json.versions as { versionId: number, inLibrary: boolean }[]).some(({ versionId, inLibrary }) => versionId === 11 && inLibrary))
  t.match(await ask('?username=nobody'), { status: 200, json: { versions: [], modelCount: 0, hasMore: false } })
  t.match(await ask(''), { status: 400, json: { error: 'Missing required parameter: username' } })
  double.faults.next('civitai GET /api/v1/models?*', { status: 400, body: {} })
  t.equal((await ask('?username=Prolific')).status, 502)
  await app.post('/api/lm/settings', { offline_mode: true })
  t.equal((await ask('?username=Prolific')).status, 503)
  await app.post('/api/lm/settings', { offline_mode: false })
})

t.test('a version is deleted with all its files, counts as not downloaded, and can be brought back', async (t) => {
  app.app.core.downloads.history.mark({ type: 'lora', versionId: 11, modelId: 1 }, 'scan')
  app.frames.length = 0
  const answer = await app.get('/api/lm/delete-model-version?modelVersionId=11')
  t.match(answer, { status: 200, json: { success: true, modelType: 'lora', modelVersionId: 11, deletedFiles: 3, batch_id: /^[0-9a-f]{32}$/ } })
  t.same(readdirSync(app.roots.loras).filter((name) => !name.startsWith('.')).sort(), ['newer.metadata.json', 'newer.safetensors', 'sub'])
  t.same(readdirSync(join(app.roots.loras, 'sub')), [])
  t.ok(existsSync(join(app.roots.checkpoints, 'also-eleven.safetensors')), 'only in the library where it was found first')
  t.equal((await app.get('/api/lm/loras/list')).json.total, 1)
  t.equal(app.frames.filter(({ type }) => type === 'models_changed').length, 1)
  t.match((await app.get('/api/lm/model-version-download-status?modelType=lora&modelVersionId=11')).json, { hasBeenDownloaded: false })
  t.match((await app.get('/api/lm/check-model-exists?modelId=1&modelVersionId=11')).json, { exists: true, modelType: 'checkpoint' })

  t.equal((await app.post('/api/lm/undo-delete', { batch_id: answer.json.batch_id })).status, 200)
  t.match((await app.get('/api/lm/check-model-exists?modelId=1&modelVersionId=11')).json, { exists: true, modelType: 'lora' })

  t.match(await app.get('/api/lm/delete-model-version'), { status: 400, json: { error: 'Missing required parameter: modelVersionId' } })
  t.equal((await app.get('/api/lm/delete-model-version?modelVersionId=x')).status, 400)
  t.equal((await app.post('/api/lm/delete-model-version', { modelVersionId: 99 })).status, 404)
  t.match(await app.post('/api/lm/delete-model-version', { modelVersionId: 31 }), { status: 200, json: { modelType: 'embedding', deletedFiles: 1 } }, 'an excluded one too')
})

t.test('while the first scan runs an answer says that more may be there; without an index it is refused', async (t) => {
  const paths = ['check-model-exists?modelId=8', 'check-model-exists?modelId=8&modelVersionId=3', 'check-models-exist?modelIds=8']
  Object.defineProperty(app.app.core.models.checkpoints, 'initializing', { get: () => true })
  for (const path of paths) t.match(await app.get(`/api/lm/${path}`), { status: 200, json: { isInitializing: true } }, path)
  Object.defineProperty(app.app.core.models.loras, 'opened', { get: () => false })
  for (const path of [...paths, 'model-versions-status?modelId=8', 'civitai/user-models?username=a', 'delete-model-version?modelVersionId=8']) t.match(await app.get(`/api/lm/${path}`), { status: 503, json: { success: false, error: 'Service not ready' } }, path)
})

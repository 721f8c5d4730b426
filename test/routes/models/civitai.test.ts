import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { civitaiDouble, type CivitaiDouble } from '../../helpers/civitai/double.ts'
import type { NewFile } from '../../helpers/civitai/catalogue.ts'
import { modelBytes, putFile, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const sidecarOf = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path.replace(/\.[^.]+$/, '.metadata.json'), 'utf8')) as Record<string, unknown>
const entryOf = (run: RunningApp, path: string) => run.app.core.models.loras.index.get(path)
const known = (name: string, more: Partial<NewFile> = {}): NewFile => ({ name: `${name}.safetensors`, source: { bytes: modelBytes(name) }, ...more })
const fetchOne = async (run: RunningApp, path: string) => await run.post('/api/lm/loras/fetch-civitai', { file_path: path })
const providers = (double: CivitaiDouble) => ({ provider_base_urls: double.providerBaseUrls })
const idOf = async (run: RunningApp, path: string): Promise<string> => {
  const { items } = (await run.get(`/api/v1/models?file_path=${encodeURIComponent(path)}`)).json as { items: { id: string }[] }
  return items[0]?.id ?? ''
}

t.test('a model that CivitAI knows gets its metadata and a preview, in the sidecar and in the answer', async (t) => {
  const double = await civitaiDouble(t, { files: [known('one', { modelId: 7, modelName: 'The One', versionId: 77, baseModel: 'SDXL Lightning', trainedWords: ['b', 'c'], images: [{ nsfwLevel: 16 }, { nsfwLevel: 2 }, { nsfwLevel: 1 }] })] })
  const run = await runningApp(t, { settings: providers(double), prepare: ({ loras }) => { putModel(loras, 'one', { base_model: 'Unknown', notes: 'mine', custom_key: { kept: true }, civitai: { trainedWords: ['a', 'b'], customImages: [{ url: '', id: 'x' }] } }) } })
  const path = join(run.roots.loras, 'one.safetensors')
  const { status, json } = await fetchOne(run, path)
  t.equal(status, 200)
  t.match(json, { success: true, metadata: { file_path: path, model_name: 'The One', base_model: 'SDXL Lightning', civitai: { id: 77, modelId: 7, trainedWords: ['a', 'b', 'c'] }, tags: ['style', 'anime'], preview_url: /^\/api\/lm\/previews\?path=.*one\./ } })
  const sidecar = sidecarOf(path)
  t.match(sidecar, { model_name: 'The One', notes: 'mine', custom_key: { kept: true }, from_civitai: true, civitai_deleted: false, metadata_source: 'civitai_api', last_checked_at: Number, modelDescription: String })
  t.match(sidecar.civitai, { id: 77, customImages: [{ id: 'x' }], creator: { username: 'painter' }, model: { name: 'The One', allowNoCredit: Boolean } })
  t.ok(existsSync(String(sidecar.preview_url)))
  t.equal(sidecar.preview_nsfw_level, 2, 'the first below the level from which media are blurred')
  t.ok(run.events.some(({ type, data }) => type === 'model.updated' && (data as { file_path: string }).file_path === path))
  t.ok(run.frames.some(({ type }) => type === 'models_changed'), 'its name changed')
  t.match(await run.post('/api/lm/loras/fetch-civitai', {}), { status: 400, json: { success: false, error: 'File path is required' } })
  t.equal((await fetchOne(run, join(run.roots.loras, 'none.safetensors'))).status, 404)
  t.equal((await fetchOne(run, join(run.directory, 'outside.safetensors'))).status, 400)
})

t.test('what the user edited stays through a sync, and provenance tells each value\'s source', async (t) => {
  const double = await civitaiDouble(t, { files: [known('own', { modelName: 'Theirs', trainedWords: ['keep', 'gone', 'new'], baseModel: 'Pony' })] })
  const run = await runningApp(t, { settings: providers(double), prepare: ({ loras }) => { putModel(loras, 'own', { base_model: 'Unknown', civitai: { trainedWords: ['keep', 'gone'] } }) } })
  const path = join(run.roots.loras, 'own.safetensors')
  await run.post('/api/lm/loras/save-metadata', { file_path: path, model_name: 'Mine', civitai: { trainedWords: ['keep'] } })
  await run.post('/api/lm/loras/add-tags', { file_path: path, tags: ['x'] })
  t.match(await fetchOne(run, path), { status: 200, json: { success: true } })
  t.match(sidecarOf(path), { model_name: 'Mine', base_model: 'Pony', tags: ['x'] })
  t.same((sidecarOf(path).civitai as { trainedWords: string[] }).trainedWords, ['keep', 'new'], 'a word that the user took out does not come back')
  const id = await idOf(run, path)
  const { fields } = (await run.get(`/api/v1/models/${id}/provenance`)).json as { fields: { field: string, source: string, value: unknown, at: string, earlier: { value: unknown, source: string }[] }[] }
  const field = (name: string) => fields.find((one) => one.field === name)
  t.match(field('model_name'), { source: 'user', value: 'Mine', at: /^\d{4}-/, earlier: [{ value: 'own', source: 'sidecar' }] })
  t.match(field('base_model'), { source: 'civitai', value: 'Pony', earlier: [{ value: 'Unknown', source: 'sidecar' }] })
  t.match(field('tags'), { source: 'user', value: ['x'] })
  t.match(field('civitai.id'), { source: 'civitai' })
  t.match(field('notes'), { source: 'sidecar' })
})

t.test('an id stays with its model when it moves, is renamed, or the caches are made anew', async (t) => {
  const run = await runningApp(t, { prepare: ({ loras }) => { putModel(loras, 'a'); putModel(loras, 'sub/b') } })
  const path = join(run.roots.loras, 'a.safetensors')
  const id = await idOf(run, path)
  t.match(id, /^[0-9a-f]{20}$/)
  t.match((await run.get(`/api/v1/models/${id}`)).json, { id, model_type: 'lora', file_path: path, identity: null, online: true, entry: { file_name: 'a' }, sidecar: { model_name: 'a' } })
  t.equal((await run.post('/api/lm/loras/move_model', { file_path: path, target_path: join(run.roots.loras, 'sub') })).status, 200)
  const moved = join(run.roots.loras, 'sub/a.safetensors')
  t.match((await run.get(`/api/v1/models/${id}`)).json, { file_path: moved })
  renameSync(moved, join(run.roots.loras, 'c.safetensors'))
  renameSync(moved.replace('.safetensors', '.metadata.json'), join(run.roots.loras, 'c.metadata.json'))
  const again = await run.restart()
  t.match((await again.get(`/api/v1/models/${id}`)).json, { file_path: join(run.roots.loras, 'c.safetensors') })
  t.equal(await idOf(again, join(run.roots.loras, 'c.safetensors')), id)
  t.match((await again.get(`/api/v1/models?sha256=${sha256Of(modelBytes('a'))}`)).json, { items: [{ id }] })
  t.not(await idOf(again, join(run.roots.loras, 'sub/b.safetensors')), id)
  t.equal((await again.get('/api/v1/models/unknown')).status, 404)
  t.equal((await again.get('/api/v1/models')).status, 400)
})

t.test('only CivitAI\'s own 404, twice and a day apart, marks a model; failures mark nothing', async (t) => {
  const double = await civitaiDouble(t)
  const run = await runningApp(t, { settings: { ...providers(double), enable_civarchive_api: true }, prepare: ({ loras }) => { putModel(loras, 'gone') } })
  const path = join(run.roots.loras, 'gone.safetensors')
  const before = readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8')
  const unmarked = (why: string) => {
    t.match(entryOf(run, path), { civitai_deleted: false, from_civitai: true }, why)
    t.equal(readFileSync(path.replace('.safetensors', '.metadata.json'), 'utf8'), before, why)
  }
  for (const fault of [{ status: 429, retryAfter: 300 }, { status: 503 }, { html: true, status: 404 }, { status: 401, body: { error: 'no' } }]) {
    const off = double.faults.always('civitai GET *', fault)
    const { status, json } = await fetchOne(run, path)
    t.match({ status, json }, { json: { success: false, error: String } }, JSON.stringify(fault))
    unmarked(JSON.stringify(fault))
    off()
    if (fault.status === 429) {
      t.match(json.error, /Rate limited/)
      await run.restart().then(async (next) => { Object.assign(run, next) })
    }
  }
  t.match(await fetchOne(run, path), { status: 200, json: { success: false, error: /not found/i } })
  unmarked('the first 404')
  t.match(await fetchOne(run, path), { json: { success: false } })
  unmarked('a second one at once')
  run.app.core.state.db.prepare('UPDATE metadata_lookups SET first_missing_at = first_missing_at - ?').run(DAY_MS)
  t.match(await fetchOne(run, path), { json: { success: false } })
  t.match(sidecarOf(path), { civitai_deleted: true, from_civitai: false, last_checked_at: Number })
  t.match(entryOf(run, path), { civitai_deleted: true, from_civitai: false })
})

t.test('a richer source is never overwritten by a poorer one, and what CivitAI lost the archive still tells', async (t) => {
  const double = await civitaiDouble(t, { files: [known('lost', { modelId: 5, versionId: 55, modelName: 'Archived', inCivitai: false, inCivarchive: true }), known('rich', { modelId: 6, versionId: 66, inCivitai: false, inCivarchive: true, description: 'poor' })] })
  const run = await runningApp(t, {
    settings: providers(double),
    prepare ({ loras }) {
      putModel(loras, 'lost')
      putModel(loras, 'rich', { metadata_source: 'civitai_api', base_model: 'Pony', model_name: 'Rich', civitai: { id: 66, modelId: 6, name: 'rich version', files: [{ id: 1, name: 'f' }], images: [{ url: 'https://x/1.png' }], model: { name: 'Rich' } } })
    }
  })
  const lost = join(run.roots.loras, 'lost.safetensors')
  t.match(await fetchOne(run, lost), { json: { success: true, metadata: { model_name: 'Archived' } } })
  t.match(sidecarOf(lost), { metadata_source: 'civarchive', civitai: { id: 55, source: 'civarchive' } })
  const rich = join(run.roots.loras, 'rich.safetensors')
  t.match(await fetchOne(run, rich), { json: { success: true } })
  t.match(sidecarOf(rich), { metadata_source: 'civitai_api', model_name: 'Rich', base_model: 'Pony', civitai: { id: 66, name: 'rich version', files: [{ id: 1 }], images: [{ url: 'https://x/1.png' }] } })
  t.notOk('source' in (sidecarOf(rich).civitai as object))
})

t.test('relinking takes the version that the user names, in whichever library the file lies', async (t) => {
  const double = await civitaiDouble(t, { files: [known('v1', { modelId: 9, versionId: 91, modelName: 'Nine' }), known('v2', { modelId: 9, versionId: 92 }), known('emb', { modelId: 10, versionId: 101, modelType: 'TextualInversion', modelName: 'Ten' })] })
  const run = await runningApp(t, {
    settings: providers(double),
    prepare ({ loras, embeddings }) {
      putModel(loras, 'other', { civitai: { id: 1, modelId: 1, files: [{ id: 3 }], images: [{ url: 'u' }], customImages: [{ id: 'mine' }], trainedWords: ['w'] }, metadata_source: 'civitai_api' })
      putModel(embeddings, 'emb')
    }
  })
  const path = join(run.roots.loras, 'other.safetensors')
  const relink = async (body: Record<string, unknown>) => await run.post('/api/lm/loras/relink-civitai', body)
  t.match(await relink({ file_path: path }), { status: 400, json: { error: 'Both file_path and model_id are required' } })
  t.equal((await relink({ file_path: path, model_id: 'x' })).status, 400)
  t.equal((await relink({ file_path: path, model_id: 9, model_version_id: 999 })).status, 404, 'never another version')
  t.match(await relink({ file_path: path, model_id: '9', model_version_id: '91' }), { status: 200, json: { success: true, message: String, hash: sha256Of(modelBytes('other')) } })
  t.match(sidecarOf(path).civitai, { id: 91, modelId: 9, customImages: [{ id: 'mine' }], trainedWords: ['w', /word/], model: { name: 'Nine' } })
  t.notOk(((sidecarOf(path).civitai as { files: { id: number }[] }).files).some(({ id }) => id === 3), 'files of the former link are gone')
  t.match(entryOf(run, path), { model_name: 'Nine', sha256: sha256Of(modelBytes('other')) })
  const embedding = join(run.roots.embeddings, 'emb.safetensors')
  t.match(await relink({ file_path: embedding, model_id: 10 }), { status: 200 })
  t.match(run.app.core.models.embeddings.index.get(embedding), { model_name: 'Ten' })
  t.equal(entryOf(run, embedding), undefined)
  t.equal((await run.post('/api/lm/settings', { offline_mode: true })).status, 200)
  t.match(await relink({ file_path: path, model_id: 9 }), { status: 503, json: { error: /offline/i } })
  t.match(await fetchOne(run, path), { status: 503, json: { error: /offline/i } })
})

t.test('versions of a model tell what of them lies here', async (t) => {
  const double = await civitaiDouble(t, { files: [known('first', { modelId: 3, versionId: 31 }), known('second', { modelId: 3, versionId: 32 }), known('ckpt', { modelId: 4, versionId: 41, modelType: 'Checkpoint' })] })
  const run = await runningApp(t, { settings: providers(double), prepare: ({ loras }) => { putModel(loras, 'renamed', { civitai: { id: 31, modelId: 3 }, sha256: sha256Of(modelBytes('first')) }) } })
  const path = join(run.roots.loras, 'renamed.safetensors')
  putFile(path, modelBytes('first'))
  await run.get('/api/lm/loras/scan')
  await run.idle()
  const versions = JSON.parse((await run.get('/api/lm/loras/civitai/versions/3')).text) as Record<string, unknown>[]
  t.equal(versions.length, 2)
  t.match(versions.find(({ id }) => id === 31), { existsLocally: true, localPath: path, downloadedFiles: [{ fileId: Number, fileName: 'first.safetensors', filePath: path }], modelSizeKB: Number })
  const other = versions.find(({ id }) => id === 32)
  t.match(other, { existsLocally: false, hasBeenDownloaded: false, downloadedFiles: [] })
  t.notOk('localPath' in (other ?? {}))
  t.match(await run.get('/api/lm/loras/civitai/versions/4'), { status: 400, json: { error: 'Model type mismatch. Expected LORA, LoCon, or DORA, got Checkpoint' } })
  t.equal((await run.get('/api/lm/loras/civitai/versions/999')).status, 404)
  t.match((await run.get('/api/lm/loras/civitai/model/version/31')).json, { id: 31, modelId: 3, model: { tags: Array } })
  t.match((await run.get(`/api/lm/loras/civitai/model/hash/${sha256Of(modelBytes('second'))}`)).json, { id: 32 })
  t.equal((await run.get('/api/lm/loras/civitai/model/version/41')).status, 400, 'of another type')
  t.equal((await run.get('/api/lm/loras/civitai/model/version/999')).status, 404)
  t.equal((await run.get('/api/lm/loras/civitai/model/hash/abc')).status, 404)
  double.faults.always('civitai GET *', { status: 500 })
  t.equal((await run.get('/api/lm/loras/civitai/model/version/32')).status, 500)
})

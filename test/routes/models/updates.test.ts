import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../../services/database/open.ts'
import type { NewFile } from '../../helpers/civitai/catalogue.ts'
import { civitaiDouble, type CivitaiDouble } from '../../helpers/civitai/double.ts'
import { modelBytes, putModel, runningApp, type RunningApp } from '../../helpers/running-app.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const providers = (double: CivitaiDouble) => ({ provider_base_urls: double.providerBaseUrls, enable_civarchive_api: false })
const isApi = ({ server }: { server: string }): boolean => server === 'civitai'
const version = (modelId: number, versionId: number, more: Partial<NewFile> = {}): NewFile => ({ name: `${modelId}-${versionId}.safetensors`, source: { bytes: modelBytes(`${modelId}-${versionId}`) }, modelId, versionId, baseModel: 'SDXL 1.0', ...more })
const put = (root: string, modelId: number, versionId: number, folder = '', sidecar: Record<string, unknown> = {}): string =>
  putModel(root, `${folder}${modelId}-${versionId}`, { base_model: 'SDXL 1.0', civitai: { id: versionId, modelId, name: 'v' }, ...sidecar })
const refresh = async (run: RunningApp, body: unknown = {}, query = '') => await run.post(`/api/lm/loras/updates/refresh${query}`, body)
const ids = (answer: { json: Record<string, unknown> }): number[] => (answer.json.records as { modelId: number }[]).map(({ modelId }) => modelId)
const flagged = async (run: RunningApp): Promise<string[]> => ((await run.get('/api/lm/loras/list?update_available_only=true&page_size=100')).json.items as { file_name: string }[]).map(({ file_name: name }) => name).sort()
const arrows = async (run: RunningApp): Promise<string[]> => ((await run.get('/api/lm/loras/list?page_size=100')).json.items as { file_name: string, update_available: boolean }[]).filter((item) => item.update_available).map(({ file_name: name }) => name).sort()
const frames = (run: RunningApp) => run.frames.filter(({ type }) => type === 'model_updates_progress')
const status = async (run: RunningApp, modelId: number, query = '') => await run.get(`/api/lm/loras/updates/status/${modelId}${query}`)
const recordOf = (answer: { json: Record<string, unknown> }) => answer.json.record as { shouldIgnore: boolean, hasUpdate: boolean, lastCheckedAt: number | null, inLibraryVersionIds: number[], versions: { versionId: number, shouldIgnore: boolean, usageControl: string | null }[] }
const tableOf = (directory: string): string => join(directory, 'settings/cache/model_update/default.sqlite')

t.test('a check asks in bulk, answers what has an update, and lists show it at once', async (t) => {
  const double = await civitaiDouble(t, {
    files: [
      version(1, 10), version(1, 11, { images: [{ nsfwLevel: 16 }, { nsfwLevel: 1 }] }),
      version(2, 20), version(2, 21, { baseModel: 'Pony' }),
      version(3, 30),
      version(4, 40), version(4, 41, { versionExtra: { availability: 'EarlyAccess', earlyAccessEndsAt: '2999-01-01T00:00:00.000Z' } }),
      version(5, 50), version(5, 51, { versionExtra: { paidAccess: { permanent: true, endsAt: null } } }),
      version(6, 60), version(6, 61, { versionExtra: { usageControl: 'InternalGeneration' } })
    ]
  })
  const run = await runningApp(t, { settings: providers(double), prepare ({ loras }) { for (const id of [1, 2, 3, 4, 5]) put(loras, id, id * 10); put(loras, 6, 60, 'sub/') } })
  double.requests.length = 0
  const first = await refresh(run)
  t.match(first, { status: 200, json: { success: true } })
  t.same(ids(first), [1, 2, 4, 5], 'one without, and one whose new version can only be used on the site, are not among them')
  t.ok(double.count(isApi) <= 2, `${double.count(isApi)} requests`)
  const newest = (first.json.records as { versions: Record<string, unknown>[] }[])[0]
  t.match(newest, { modelType: 'lora', modelId: 1, largestVersionId: 11, versionIds: [10, 11], inLibraryVersionIds: [10], lastCheckedAt: Number, shouldIgnore: false, hasUpdate: true })
  t.match(newest?.versions[0], { versionId: 11, name: 'v2.0', baseModel: 'SDXL 1.0', releasedAt: /^\d{4}-/, sizeBytes: modelBytes('1-11').length, previewUrl: /111/, isInLibrary: false, hasBeenDownloaded: false, isEarlyAccess: false, usageControl: 'Download', isPaid: false, paidAccess: null, filePath: null, fileName: null })
  t.same(await flagged(run), ['1-10', '4-40', '5-50'], 'by base model')
  t.same(await arrows(run), ['1-10', '4-40', '5-50'])
  t.match(frames(run).map(({ status, total, processed, model_type: type }) => [status, total, processed, type]).at(0), ['started', 6, 0, 'lora'])
  t.match(frames(run).at(-1), { status: 'completed', total: 6, processed: 6 })
  t.ok(run.events.some(({ type, data }) => type === 'updates.changed' && (data as { models: number }).models === 6))

  double.requests.length = 0
  t.same(ids(await refresh(run)), [1, 2, 4, 5])
  t.equal(double.count(), 0, 'not again within a day')
  t.same(ids(await refresh(run, { modelIds: [1, '2', null] })), [1, 2])
  t.same((await refresh(run, { model_ids: ['x', null] })).json, { success: true, records: [] }, 'ids that are none mean nothing, not everything')
  t.same(ids(await refresh(run, { folder_path: '/sub/' })), [])
  t.equal(double.count(), 0)
  await refresh(run, { modelIds: [3] }, '?force=yes')
  t.equal(double.count('civitai GET /api/v1/models?ids=3&*'), 1)
  t.equal((await refresh(run, { folder_path: 7 })).status, 400)

  await run.post('/api/lm/settings', { hide_early_access_updates: true, hide_paid_updates: true })
  t.same(await flagged(run), ['1-10'])
  t.same(ids(await refresh(run)), [1, 2])
  await run.post('/api/lm/settings', { version_grouping: 'any' })
  t.same(await flagged(run), ['1-10', '2-20'])
  await run.post('/api/lm/settings', { version_grouping: 'same_base', hide_early_access_updates: false, hide_paid_updates: false })

  t.same(recordOf(await run.post('/api/lm/loras/updates/ignore', { modelId: '1', shouldIgnore: true })).shouldIgnore, true)
  t.same(await flagged(run), ['4-40', '5-50'], 'at once')
  const version41 = (await run.post('/api/lm/loras/updates/ignore-version', { modelId: 4, versionId: 41, shouldIgnore: 'yes' })).json.record as { versions: Record<string, unknown>[] }
  t.match(version41.versions, [{ versionId: 41, shouldIgnore: true, isEarlyAccess: true, earlyAccessEndsAt: '2999-01-01T00:00:00.000Z' }, { versionId: 40, filePath: /4-40\.safetensors$/, fileName: '4-40', hasBeenDownloaded: true, isInLibrary: true }])
  t.same(await flagged(run), ['5-50'])
  double.requests.length = 0
  t.same(ids(await refresh(run)), [2, 5])
  t.equal(double.count(), 0)
  await refresh(run, { force: true })
  t.match(recordOf(await status(run, 1)), { shouldIgnore: true }, 'flags survive a check')
  t.match(recordOf(await status(run, 4)).versions.find(({ versionId }) => versionId === 41), { shouldIgnore: true })
  await run.post('/api/lm/loras/updates/ignore', { modelId: 1, shouldIgnore: false })
  t.same(await flagged(run), ['1-10', '5-50'])

  const again = await run.restart()
  t.same(await flagged(again), ['1-10', '5-50'], 'also after a start')
  for (const [path, body, error] of [['ignore', {}, 'modelId is required'], ['ignore-version', { modelId: 1 }, 'modelId and versionId are required'], ['ignore', { modelId: 'x' }, 'modelId is required']] as const) {
    t.match(await again.post(`/api/lm/loras/updates/${path}`, body), { status: 400, json: { success: false, error } })
  }
})

t.test('what is downloaded or deleted after a check changes what is on offer', async (t) => {
  const double = await civitaiDouble(t, { files: [version(1, 10), version(1, 11), version(1, 12)] })
  const run = await runningApp(t, { settings: providers(double), prepare ({ loras }) { put(loras, 1, 10); put(loras, 1, 11, 'other/') } })
  await refresh(run, { folder_path: 'other' })
  t.same(await flagged(run), ['1-10', '1-11'])
  t.same(recordOf(await status(run, 1)).inLibraryVersionIds, [10, 11], 'versions in other folders are in the library too')
  const newest = put(run.roots.loras, 1, 12)
  await run.get('/api/lm/loras/scan')
  t.same(await flagged(run), [])
  t.match(recordOf(await status(run, 1)), { hasUpdate: false, inLibraryVersionIds: [10, 11, 12] })
  await run.post('/api/lm/loras/exclude', { file_path: newest })
  t.same(await flagged(run), [], 'an excluded model is there all the same')
  await run.post('/api/lm/loras/delete', { file_path: newest })
  t.same(await flagged(run), ['1-10', '1-11'])
})

t.test('a record is answered without the network, and kept only for models that are here', async (t) => {
  const double = await civitaiDouble(t, { files: [version(1, 10), version(1, 11, { versionExtra: { availability: 'EarlyAccess', earlyAccessEndsAt: undefined } }), version(9, 90)] })
  const run = await runningApp(t, { settings: providers(double), prepare ({ loras }) { put(loras, 1, 10); put(loras, 2, 20) } })
  t.match(recordOf(await status(run, 1)), { hasUpdate: true, lastCheckedAt: Number }, 'an unknown one is asked for')
  double.requests.length = 0
  t.match((await status(run, 1)).status, 200)
  t.match((await status(run, 1, '?refresh=1')).status, 200)
  t.equal(double.count(), 0, 'it is no day old')
  t.equal((await status(run, 1, '?force=true')).status, 200)
  t.ok(double.count() > 0)
  double.faults.always('GET /api/v1/model-versions/11', { status: 200, body: { id: 11, earlyAccessEndsAt: '2998-01-01T00:00:00.000Z' } })
  const versions = async () => recordOf(await run.get('/api/lm/loras/updates/versions/1')).versions.find(({ versionId }) => versionId === 11)
  t.match(await versions(), { isEarlyAccess: true, earlyAccessEndsAt: '2998-01-01T00:00:00.000Z' }, 'the exact end is asked for')
  t.match(recordOf(await status(run, 1)).versions.find(({ versionId }) => versionId === 11), { isEarlyAccess: true, earlyAccessEndsAt: null }, 'and not kept')

  t.match(recordOf(await status(run, 9)), { modelId: 9, hasUpdate: true })
  double.requests.length = 0
  await status(run, 9)
  t.ok(double.count() > 0, 'a model that is nowhere here is asked for each time')
  t.match(await status(run, 77), { status: 404, json: { success: false } })
  t.match(await status(run, 2), { status: 200, json: { record: { versionIds: [20], shouldIgnore: false, versions: [{ versionId: 20, isInLibrary: true, name: null }] } } }, 'here, and no longer on CivitAI')
  t.equal((await run.get('/api/lm/loras/updates/status/x')).status, 400)
  t.equal((await run.app.inject({ method: 'HEAD', url: '/api/lm/loras/updates/status/1' })).statusCode, 405)

  double.faults.always('civitai *', { status: 429, retryAfter: 600 })
  t.match(await status(run, 88), { status: 429, json: { success: false, error: /Rate limited/ } })
  t.match(await refresh(run, { force: true }), { status: 429, json: { success: false, error: /Rate limited/, code: 'rate-limited' } })
  t.match(frames(run).at(-1), { status: 'error', error: /Rate limited/ })
  t.equal((await status(run, 1)).status, 200)
})

t.test('cut off, nothing is marked and what is known is answered; a check can be cancelled at once', async (t) => {
  const double = await civitaiDouble(t, { files: Array.from({ length: 5 }, (_, at) => version(at + 1, 10 * (at + 1))) })
  const run = await runningApp(t, { settings: providers(double), prepare ({ loras }) { for (let id = 1; id <= 5; id++) put(loras, id, id * 10) } })
  const stop = double.faults.always('civitai *', { hang: true })
  const cancelled = refresh(run)
  const joined = refresh(run)
  while (double.count(isApi) === 0) await new Promise((resolve) => setImmediate(resolve))
  const asked = Date.now()
  await run.post('/api/lm/loras/cancel-task')
  t.match(await cancelled, { status: 200, json: { success: false, status: 'cancelled', message: String } })
  t.match(await joined, { json: { status: 'cancelled' } }, 'an equal check is the same one')
  t.ok(Date.now() - asked < 1000)
  t.equal(double.count(isApi), 1)
  t.equal(frames(run).at(-1)?.status, 'cancelled')
  stop()
  await run.post('/api/lm/settings', { offline_mode: true })
  t.match(await refresh(run), { status: 503, json: { success: false, error: /offline/ } })
  t.match(await status(run, 1), { status: 200, json: { record: { lastCheckedAt: null, inLibraryVersionIds: [10] } } })
  t.match(await status(run, 1, '?refresh=true'), { status: 503, json: { error: /offline/ } })
  t.match(await status(run, 99), { status: 503 })
  await run.post('/api/lm/settings', { offline_mode: false })
  t.match(await refresh(run), { status: 200, json: { success: true, records: [] } })
})

t.test('a check that the end of the server cuts off goes on at its next start', async (t) => {
  const double = await civitaiDouble(t, { files: [version(1, 10), version(1, 11)] })
  const run = await runningApp(t, { settings: providers(double), prepare ({ loras }) { put(loras, 1, 10) } })
  const stop = double.faults.always('civitai *', { hang: true })
  const cut = refresh(run).catch(() => undefined)
  while (double.count(isApi) === 0) await new Promise((resolve) => setImmediate(resolve))
  const jobs = async (app: RunningApp) => ((await app.get('/api/v1/jobs')).json.items as { kind: string, state: string }[]).filter(({ kind }) => kind === 'update-check')
  stop()
  const again = await run.restart()
  await cut
  while ((await jobs(again)).some(({ state }) => state === 'queued' || state === 'running')) await again.idle()
  t.match(await jobs(again), [{ state: 'succeeded', result: { models: 1, checked: 1 } }])
  t.same(await flagged(again), ['1-10'])
})

t.test('a model that CivitAI no longer has is ignored after two answers a day apart, and never for another reason', async (t) => {
  const archived = { inCivitai: false, inCivarchive: true }
  const double = await civitaiDouble(t, { files: [version(1, 10), version(3, 30, archived), version(3, 31, archived)] })
  const run = await runningApp(t, { settings: { ...providers(double), enable_civarchive_api: true }, prepare ({ loras }) { put(loras, 1, 10); put(loras, 2, 20); put(loras, 3, 30) } })
  const db = run.app.core.state.db
  double.faults.next('civitai GET /api/v1/models?*', { status: 429, retryAfter: 1 })
  double.faults.next('civitai GET /api/v1/models?*', { status: 503 })
  t.same(ids(await refresh(run)), [3], 'a short pause is waited for; an archive lists what CivitAI lost')
  t.match(recordOf(await status(run, 2)), { shouldIgnore: false, lastCheckedAt: Number })
  await refresh(run, { force: true })
  t.match(recordOf(await status(run, 2)), { shouldIgnore: false }, 'the same day it is the same answer')
  db.prepare('UPDATE update_misses SET first_missing_at = first_missing_at - ?').run(DAY_MS)
  const stop = double.faults.always('civitai GET /api/v1/models/2', { status: 404, html: true })
  await refresh(run, { force: true })
  t.match(recordOf(await status(run, 2)), { shouldIgnore: false }, 'a page of a proxy knows nothing of models')
  stop()
  await refresh(run, { force: true })
  t.match(recordOf(await status(run, 2)), { shouldIgnore: true, inLibraryVersionIds: [20] })
  t.match(recordOf(await status(run, 3)), { shouldIgnore: false, hasUpdate: true })
  await run.post('/api/lm/loras/updates/ignore', { modelId: 2, shouldIgnore: false })
  await refresh(run, { force: true })
  t.match(recordOf(await status(run, 2)), { shouldIgnore: false }, 'the user knows better')
})

t.test('the table of an existing installation opens, keeps its flags and columns, and stays readable for it', async (t) => {
  const double = await civitaiDouble(t, { files: [version(1, 10), version(1, 11), version(1, 12), version(2, 20), version(2, 21)] })
  const run = await runningApp(t, {
    settings: providers(double),
    prepare ({ loras }, directory) {
      for (const id of [1, 2]) put(loras, id, id * 10)
      const file = tableOf(directory)
      mkdirSync(dirname(file), { recursive: true })
      const old = openDatabase(file)
      old.exec(`CREATE TABLE model_update_status (model_id INTEGER PRIMARY KEY, model_type TEXT NOT NULL, last_checked_at REAL, should_ignore_model INTEGER NOT NULL DEFAULT 0, theirs TEXT);
        CREATE TABLE model_update_versions (version_id INTEGER PRIMARY KEY, model_id INTEGER NOT NULL, name TEXT, base_model TEXT, released_at TEXT, size_bytes INTEGER, preview_url TEXT, is_in_library INTEGER NOT NULL DEFAULT 0, should_ignore INTEGER NOT NULL DEFAULT 0);
        INSERT INTO model_update_status VALUES (1, 'lora', 1700000000.25, 0, 'kept'), (2, 'lora', 1700000000.25, 1, NULL);
        INSERT INTO model_update_versions VALUES (10, 1, 'one', 'SDXL 1.0', '2024-01-01', 5, 'https://images/known', 1, 0), (11, 1, 'two', 'SDXL 1.0', NULL, NULL, NULL, 0, 1), (13, 1, 'gone', 'SDXL 1.0', NULL, NULL, NULL, 0, 1), (14, 1, 'gone too', 'SDXL 1.0', NULL, NULL, NULL, 0, 0),
          (21, 2, 'x', 'SDXL 1.0', NULL, NULL, NULL, 0, 0)`)
      old.close()
    }
  })
  t.same(await flagged(run), ['1-10'], 'flags are read from it as it is')
  t.match(recordOf(await status(run, 2)), { shouldIgnore: true, hasUpdate: false, lastCheckedAt: 1700000000.25 })
  t.match(recordOf(await status(run, 1)).versions.map(({ versionId, shouldIgnore }) => [versionId, shouldIgnore]).sort(), [[10, false], [11, true], [13, true], [14, false]])
  t.same(ids(await refresh(run)), [1])
  t.same(recordOf(await status(run, 1)).versions.map(({ versionId, shouldIgnore }) => [versionId, shouldIgnore]).sort(), [[10, false], [11, true], [12, false], [13, true]], 'what is gone stays only where the user turned it down')
  t.match(recordOf(await status(run, 2)), { shouldIgnore: true }, 'ignored models are not asked for')
  await run.close()
  const table = openDatabase(tableOf(run.directory), { readonly: true })
  t.match(table.prepare('SELECT * FROM model_update_status WHERE model_id = 1').get(), { model_type: 'lora', should_ignore_model: 0, theirs: 'kept' })
  t.match(table.prepare('SELECT * FROM model_update_versions WHERE version_id = 12').get(), { model_id: 1, sort_index: 0, name: 'v3.0', base_model: 'SDXL 1.0', is_in_library: 0, should_ignore: 0, is_early_access: 0, usage_control: 'Download', paid_access: null, is_paid: 0 })
  t.same((table.pragma('table_info(model_update_versions)') as { name: string, pk: number }[]).filter(({ pk }) => pk > 0).map(({ name }) => name), ['model_id', 'version_id'])
  table.close()
})

t.test('licences that sidecars lack are fetched, for those alone', async (t) => {
  const double = await civitaiDouble(t, { files: [version(1, 10), version(2, 20), version(3, 30)] })
  const complete = { civitai: { id: 30, modelId: 3, model: { allowNoCredit: false, allowCommercialUse: [], allowDerivatives: false, allowDifferentLicense: false } } }
  const run = await runningApp(t, {
    settings: providers(double),
    prepare ({ loras }) {
      put(loras, 1, 10, '', { notes: 'mine' })
      put(loras, 2, 20, '', { civitai: { id: 20, modelId: 2, model: { name: 'N', allowNoCredit: false } } })
      put(loras, 3, 30, '', complete)
      put(loras, 8, 80)
    }
  })
  const sidecar = (name: string) => JSON.parse(readFileSync(join(run.roots.loras, `${name}.metadata.json`), 'utf8')) as Record<string, unknown>
  const fetch = async (body: unknown = {}) => await run.post('/api/lm/loras/updates/fetch-missing-license', body)
  const third = sidecar('3-30')
  t.match(await fetch({ modelIds: ['2'] }), { status: 200, json: { success: true, updated: [{ modelId: 2, filePath: /2-20/ }] } })
  t.match(sidecar('2-20').civitai, { model: { name: 'N', allowNoCredit: false, allowCommercialUse: '{Image,RentCivit}', allowDerivatives: true, allowDifferentLicense: true } })
  t.same((await fetch()).json, { success: true, updated: [{ modelId: 1, filePath: join(run.roots.loras, '1-10.safetensors') }], missingModelIds: [8] })
  t.match(sidecar('1-10'), { notes: 'mine', civitai: { id: 10, model: { allowNoCredit: true } } })
  t.same(sidecar('3-30'), third)
  t.equal(run.app.core.models.loras.index.get(join(run.roots.loras, '1-10.safetensors'))?.license_flags, 1 + 2 + 4 + 32 + 64)
  t.ok(run.frames.some(({ type }) => type === 'models_changed'))
  t.same((await fetch({ modelIds: ['x'] })).json, { success: true, updated: [] })
  t.same((await fetch({ model_ids: [1, 2, 3] })).json, { success: true, updated: [] })
  await run.post('/api/lm/settings', { offline_mode: true })
  t.equal((await fetch()).status, 503)
})

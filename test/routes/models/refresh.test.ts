import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { JobSystem } from '../../../services/jobs/types.ts'
import type { NewFile } from '../../helpers/civitai/catalogue.ts'
import { civitaiDouble, type CivitaiDouble } from '../../helpers/civitai/double.ts'
import { modelBytes, putFile, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'

const name = (at: number): string => `m${String(at).padStart(5, '0')}`
const providers = (double: CivitaiDouble) => ({ provider_base_urls: double.providerBaseUrls, enable_civarchive_api: false })
/** Versions of fewer models than files, as in libraries of people; no pictures, which come from elsewhere. */
const file = (at: number, models: number): NewFile => ({ name: `${name(at)}.safetensors`, source: { bytes: modelBytes(name(at)) }, modelId: 5000 + at % models, modelName: `Model ${at % models}`, versionId: 300_000 + at, images: [] })
const loras = (run: RunningApp) => run.app.core.models.loras.index
const isApi = ({ server }: { server: string }): boolean => server === 'civitai'
/** A run by hand may take more. */
const GIVEN = process.env.REFRESH_TEST_MODELS
const SIZE = Number(GIVEN ?? 400)

async function finished (run: RunningApp, answer: { json: Record<string, unknown> }): Promise<Awaited<ReturnType<JobSystem['finished']>>> {
  return await run.app.core.jobs.finished((answer.json.job as { id: string }).id)
}

t.test(`${SIZE} unknown models are identified in bulk`, async (t) => {
  const models = Math.ceil(SIZE * 0.45)
  const double = await civitaiDouble(t)
  for (let at = 0; at < SIZE; at++) await double.catalogue.add(file(at, models))
  const run = await runningApp(t, { settings: { ...providers(double), write_sidecars: 'on_edit' }, prepare: ({ loras }) => { for (let at = 0; at < SIZE; at++) putModel(loras, name(at), { base_model: 'Unknown' }) } })
  double.requests.length = 0
  const job = await finished(run, await run.post('/api/v1/models/identify'))
  t.match(job, { state: 'succeeded', result: { status: 'completed', total: SIZE, identified: SIZE, failed: 0 } })
  const requests = double.count(isApi)
  t.comment(`${requests} requests, ${Date.parse(job.finished_at ?? '') - Date.parse(job.started_at ?? '')} ms`)
  t.ok(requests <= Math.ceil(SIZE * 30 / 2000), `${requests} requests`)
  const wrong = [...loras(run).entries()].filter(({ file_name: stem, civitai, model_name: title }) => civitai?.id !== 300_000 + Number(stem.slice(1)) || title !== `Model ${Number(stem.slice(1)) % models}`)
  t.same(wrong, [])
  const sidecar = JSON.parse(readFileSync(join(run.roots.loras, `${name(7)}.metadata.json`), 'utf8')) as Record<string, unknown>
  t.match(sidecar, { sha256: sha256Of(modelBytes(name(7))), metadata_source: 'civitai_api', tags: ['style', 'anime'], modelDescription: String, civitai: { creator: { username: 'painter' }, model: { allowNoCredit: true } } })
})

const BULK = Number(GIVEN ?? 200)

t.test(`fetch-all over ${BULK} models with errors and two windows of 429: every model ends in its right state`, async (t) => {
  const double = await civitaiDouble(t)
  const missing = (at: number): boolean => at % 50 === 7
  for (let at = 0; at < BULK; at++) if (!missing(at)) await double.catalogue.add(file(at, Math.ceil(BULK * 0.8)))
  const run = await runningApp(t, {
    settings: { ...providers(double), metadata_refresh_skip_paths: ['left/out'] },
    prepare ({ loras }) {
      for (let at = 0; at < BULK; at++) putModel(loras, at % 100 === 3 ? `left/out/${name(at)}` : name(at), { ...(at % 100 === 4 && { skip_metadata_refresh: true }), ...(at % 100 === 5 && { from_civitai: false, civitai_deleted: true }) })
    }
  })
  const left = (at: number): boolean => at % 100 === 3 || at % 100 === 4 || at % 100 === 5
  let seed = 7
  let asked = 0
  let closedUntil = 0
  double.faults.always((request) => {
    if (!isApi(request)) return false
    asked++
    if (asked === 3 || asked === 14) closedUntil = Date.now() + 1200
    return Date.now() < closedUntil
  }, { status: 429, retryAfter: 1 })
  double.faults.share('civitai *', 0.05, { status: 503 }, () => (seed = (seed * 16807) % 2147483647) / 2147483647)
  const first = run.post('/api/lm/loras/fetch-all-civitai')
  t.match(await run.post('/api/lm/loras/fetch-all-civitai'), { status: 409, json: { code: 'metadata-refresh-running' } })
  const { status, json } = await first
  t.equal(status, 200)
  const all = Array.from({ length: BULK }, (_, at) => at)
  const unknown = all.filter((at) => missing(at) && !left(at)).length
  const skipped = all.filter(left).length
  t.match(json, { success: true, total: BULK, skipped_count: skipped, processed: BULK - skipped, updated: BULK - skipped - unknown, failure_count: unknown, elapsed_seconds: Number, failures: Array })
  t.equal((json.failures as unknown[]).length, unknown)

  for (const model of loras(run).entries()) {
    const at = Number(model.file_name.slice(1))
    if (model.civitai?.id !== (missing(at) || left(at) ? undefined : 300_000 + at)) t.fail(`${model.file_name} has ${model.civitai?.id}`)
    if (model.civitai_deleted !== (at % 100 === 5)) t.fail(`${model.file_name} is marked wrongly`)
  }
  t.ok(double.requests.some((request) => request.status === 429) && double.requests.some((request) => request.status === 503), 'it was no easy road')
  t.ok(double.peak(1000, 'civitai') <= 20, `${double.peak(1000, 'civitai')} requests in a second; 10 a second and 10 at once are allowed`)

  const frames = run.frames.filter(({ type }) => type === 'metadata_refresh_progress')
  t.match(frames[0], { status: 'started', model_type: 'lora', total: BULK, processed: 0, success: 0, failure_count: 0, skipped_count: skipped, handled: skipped, elapsed_seconds: 0 })
  t.equal(frames.length, BULK - skipped + 2, 'one for each model')
  t.ok(frames.every((frame) => frame.handled === Number(frame.processed) + Number(frame.skipped_count)))
  t.ok(frames.slice(1, -1).every((frame) => frame.status === 'processing' && typeof frame.current_name === 'string' && !('failures' in frame)))
  t.match(frames.at(-1), { status: 'completed', handled: BULK, failures: [{ name: String, error: /not found/i }] })
  const before = double.count(isApi)
  t.match((await run.post('/api/lm/loras/fetch-all-civitai')).json, { processed: unknown, updated: 0, failure_count: unknown })
  t.ok(double.count(isApi) - before <= 1, 'who was said to be unknown is not asked for again the same day')
})

t.test('a refresh that is cancelled or given up says so, and leaves the rest alone', async (t) => {
  const double = await civitaiDouble(t)
  for (let at = 0; at < 6; at++) await double.catalogue.add(file(at, 6))
  const run = await runningApp(t, { settings: providers(double), prepare: ({ loras }) => { for (let at = 0; at < 6; at++) putModel(loras, name(at)) } })
  const untouched = () => [...loras(run).entries()].every(({ civitai, civitai_deleted: deleted, from_civitai: from }) => civitai?.id === undefined && !deleted && from)
  const terminal = () => run.frames.filter(({ type, status }) => type === 'metadata_refresh_progress' && status !== 'processing' && status !== 'started')

  let stop = double.faults.always('civitai *', { hang: true })
  const cancelled = run.post('/api/lm/loras/fetch-all-civitai')
  while (double.count(isApi) === 0) await new Promise((resolve) => setImmediate(resolve))
  const asked = Date.now()
  t.equal((await run.post('/api/lm/loras/cancel-task')).status, 200)
  t.match(await cancelled, { status: 200, json: { success: false, total: Number } })
  t.ok(Date.now() - asked < 1500, 'at once')
  t.match(terminal(), [{ status: 'cancelled', total: 6 }])
  t.ok(untouched())
  stop()

  run.frames.length = 0
  stop = double.faults.always('civitai *', { status: 429, retryAfter: 300 })
  t.match(await run.post('/api/lm/loras/fetch-all-civitai'), { status: 200, json: { success: false, updated: 0, failure_count: 3, failures: [{ error: /Rate limited/ }] } })
  const [limited, after] = terminal()
  t.match(limited, { status: 'rate_limited', processed: 3, failures: Array })
  t.same({ ...after, status: '' }, { ...limited, status: '' }, 'then the end that clients wait for, with the same counts')
  t.equal(after?.status, 'cancelled')
  t.ok(untouched())
  stop()

  run.frames.length = 0
  t.equal((await run.post('/api/lm/settings', { offline_mode: true })).status, 200)
  t.match(await run.post('/api/lm/loras/fetch-all-civitai'), { status: 503, json: { success: false, error: /offline/ } })
  t.match(terminal(), [{ status: 'error', error: /offline/ }])
  t.ok(untouched())
})

t.test('a version whose model could not be had is kept, and completed the next time', async (t) => {
  const double = await civitaiDouble(t, { files: [file(1, 1)] })
  const run = await runningApp(t, { settings: providers(double), prepare: ({ loras }) => { putModel(loras, name(1)) } })
  double.faults.next('civitai GET /api/v1/models?*', { status: 400, body: { error: 'no' } })
  t.match((await run.post('/api/lm/loras/fetch-all-civitai')).json, { success: true, updated: 1 })
  const civitai = () => run.app.core.models.loras.sidecar(join(run.roots.loras, `${name(1)}.safetensors`))?.civitai as { id: number, creator?: unknown, model: Record<string, unknown> }
  t.match(civitai(), { id: 300_001 })
  t.notOk('allowNoCredit' in civitai().model, 'no licence is guessed')
  t.match((await run.post('/api/lm/loras/fetch-all-civitai')).json, { updated: 1, skipped_count: 0 })
  t.match(civitai(), { id: 300_001, creator: { username: 'painter' }, model: { allowNoCredit: true } })
  t.match((await run.post('/api/lm/loras/fetch-all-civitai')).json, { updated: 0, skipped_count: 1 })
})

t.test('a header\'s AutoV3 is a hint for files without a hash: by size unconfirmed, confirmed or withdrawn by the SHA-256', async (t) => {
  const autov3 = 'abcdef012345'
  const other = 'bcdef0123456'
  const checkpoint = (stem: string, hash: string): Buffer => {
    const header = Buffer.from(JSON.stringify({ __metadata__: { sshs_model_hash: hash.padEnd(64, '0'), stem } }))
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    return Buffer.concat([length, header, Buffer.alloc(5000, stem)])
  }
  const right = checkpoint('right', autov3)
  const wrong = checkpoint('wrong', other)
  const double = await civitaiDouble(t, {
    files: [
      { name: 'right.safetensors', source: { bytes: right }, autov3, modelType: 'Checkpoint', modelName: 'Right', images: [] },
      { name: 'wrong.safetensors', source: { bytes: Buffer.alloc(wrong.length, 1) }, autov3: other, modelType: 'Checkpoint', modelName: 'Wrong', images: [] }
    ]
  })
  const run = await runningApp(t, { settings: providers(double), prepare ({ checkpoints }) { putFile(join(checkpoints, 'right.safetensors'), right); putFile(join(checkpoints, 'wrong.safetensors'), wrong) } })
  const models = run.app.core.models.checkpoints
  const at = (stem: string) => join(run.roots.checkpoints, `${stem}.safetensors`)
  const detail = async (stem: string) => (await run.get(`/api/v1/models/${((await run.get(`/api/v1/models?file_path=${encodeURIComponent(at(stem))}`)).json.items as { id: string }[])[0]?.id}`)).json
  t.match(await finished(run, await run.post('/api/v1/models/identify')), { result: { identified: 0, unconfirmed: 2 } })
  t.match(await detail('right'), { identity: 'unconfirmed', entry: { model_name: 'Right', sha256: '' } })
  t.match(await detail('wrong'), { identity: 'unconfirmed', entry: { model_name: 'Wrong' } })
  const job = models.hashPending([at('right'), at('wrong')])
  await run.app.core.jobs.finished(job?.id ?? '')
  while (run.app.core.metadata.hints.isUnconfirmed({ type: 'checkpoint', file_path: at('wrong') }) || run.app.core.metadata.hints.isUnconfirmed({ type: 'checkpoint', file_path: at('right') })) await new Promise((resolve) => setImmediate(resolve))
  t.match(await detail('right'), { identity: 'confirmed', entry: { model_name: 'Right', sha256: sha256Of(right) } })
  t.match(await detail('wrong'), { identity: null, entry: { model_name: 'wrong', sha256: sha256Of(wrong), civitai: null } })
})

t.test('a model that met a host in need of patience is asked for again in the end, and nobody is left behind', async (t) => {
  const double = await civitaiDouble(t)
  for (let at = 0; at < 4; at++) await double.catalogue.add(file(at, 4))
  const run = await runningApp(t, { settings: { ...providers(double), write_sidecars: 'on_edit' }, prepare: ({ loras }) => { for (let at = 0; at < 4; at++) putModel(loras, name(at), {}) } })
  double.requests.length = 0
  double.faults.next(isApi, { status: 429, retryAfter: 1 }, 3)
  t.match((await run.post('/api/lm/loras/fetch-all-civitai')).json, { success: true, total: 4, processed: 4, updated: 4, failure_count: 0 })
  t.equal(double.requests.filter(({ status }) => status === 429).length, 3)
})

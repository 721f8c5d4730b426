import { join } from 'node:path'
import t from 'tap'
import { modelBytes, putFile, putModel, sha256Of } from '../../helpers/running-app.ts'
import { recipeWorld, until, type RecipeWorld } from '../../helpers/recipe-world.ts'

type Json = Record<string, unknown>
const MISSING = '/api/v1/recipes/missing'
const bytes = (name: string): Buffer => Buffer.concat([modelBytes(name), Buffer.alloc(200, name)])
const hashOf = (name: string): string => sha256Of(bytes(name))
const owned = sha256Of(modelBytes('owned'))
const recipes: Record<string, Json> = {
  one: { loras: [{ hash: hashOf('wave'), file_name: 'wave', modelVersionId: 11 }, { hash: owned, file_name: 'owned' }] },
  two: { loras: [{ hash: '', modelVersionId: 11, modelName: 'Wave' }] },
  three: { loras: [{ hash: hashOf('wave'), file_name: 'wave' }, { hash: hashOf('gone'), modelName: 'Gone' }] },
  four: { loras: [{ hash: hashOf('archived').slice(0, 64), modelName: 'Archived' }, { file_name: 'nobody knows' }] },
  five: { loras: [{ modelVersionId: 21, modelName: 'Older' }], checkpoint: { name: 'Sky', modelVersionId: 31, hash: hashOf('sky') } },
  six: { loras: [{ hash: owned, file_name: 'owned' }, { hash: 'ab'.repeat(32), exclude: true }] },
  early: { loras: [{ modelVersionId: 41, modelName: 'Early' }] }
}

async function world (t: Parameters<typeof recipeWorld>[0]): Promise<RecipeWorld> {
  return await recipeWorld(t, {
    files: [
      { name: 'wave.safetensors', source: { bytes: bytes('wave') }, modelId: 1, versionId: 11, modelName: 'Wave' },
      { name: 'older.safetensors', source: { bytes: bytes('older') }, modelId: 2, versionId: 21, modelName: 'Older', versionName: 'v1' },
      { name: 'sky.safetensors', source: { bytes: bytes('sky') }, modelId: 3, versionId: 31, modelName: 'Sky', modelType: 'Checkpoint' },
      { name: 'early.safetensors', source: { bytes: bytes('early') }, modelId: 4, versionId: 41, modelName: 'Early', versionExtra: { earlyAccessEndsAt: '2999-01-01T00:00:00Z', availability: 'EarlyAccess' } },
      { name: 'archived.safetensors', source: { bytes: bytes('archived') }, modelId: 5, versionId: 51, modelName: 'Archived', inCivitai: false, inCivarchive: true }
    ],
    prepare ({ loras }) {
      putModel(loras, 'owned', { civitai: { id: 22, modelId: 2, name: 'v2', model: { name: 'Older', type: 'LORA' } } })
      for (const [id, more] of Object.entries(recipes)) putFile(join(loras, 'recipes', `${id}.recipe.json`), JSON.stringify({ id, file_path: `/nowhere/${id}.webp`, title: id, base_model: 'SDXL 1.0', gen_params: {}, ...more }))
    }
  })
}

t.test('what is missing, where it can be had, and which download completes the most', async (t) => {
  const one = await world(t)
  const report = (await one.app.get(MISSING)).json as unknown as { items: Json[] } & Json
  const size = (...names: string[]): number => names.reduce((sum, name) => sum + bytes(name).length, 0)
  t.match(report, { recipes: 7, incomplete_recipes: 6, parts: 7, downloadable: 4, pending: 0, unknown_sizes: 0, total_size: size('wave', 'older', 'sky', 'archived'), best: { key: `lora:${hashOf('wave')}`, completes: 2 }, next: null })
  const [first] = report.items
  t.match(first, { name: 'Wave', model_version_id: 11, recipe_count: 3, completes: 2, state: 'available', source: 'civitai', file_name: 'wave.safetensors', size: size('wave'), recipe_ids: { length: 3 } })
  const named = (name: string): Json | undefined => report.items.find((item) => item.name === name)
  t.match(named('Older'), { state: 'available', owned: [{ model_version_id: 22, version_name: 'v2', file_name: 'owned', newer: true }] })
  t.match(named('Sky'), { type: 'checkpoint', state: 'available', completes: 0 })
  t.match(named('Archived'), { state: 'available', source: 'civarchive' })
  t.match(named('Gone'), { state: 'gone', size: null })
  t.match(named('nobody knows'), { state: 'unidentified' })
  t.match(named('Early'), { state: 'early-access', completes: 1 })

  const asked = one.double.count()
  t.same((await one.app.get(MISSING)).json, report)
  t.equal(one.double.count(), asked, 'answers are kept')
  t.equal(one.double.count('POST /api/v1/model-versions/by-hash'), 1, 'hashes are asked for together')
  t.match((await one.app.get(`${MISSING}?recipe_ids=five,six`)).json, { recipes: 2, incomplete_recipes: 1, parts: 2 })
  const page = (await one.app.get(`${MISSING}?limit=2&after=2`)).json as { items: Json[], next: string }
  t.same([page.items, page.next], [report.items.slice(2, 4), '4'])
  t.equal((await one.app.get(`${MISSING}?recipe_ids=nope`)).status, 404)
  t.equal((await one.app.get(`${MISSING}?after=x`)).status, 400)
})

t.test('what can be had is queued once, and a recipe is whole when it has come', async (t) => {
  const one = await world(t)
  const { status, json } = await one.app.post(MISSING, { recipe_ids: ['one', 'two', 'three', 'early'] })
  t.equal(status, 202)
  t.match(json, { downloads: [{ title: 'Wave', request: { model_version_id: 11, use_default_paths: true } }], skipped: { length: 2 } })
  t.same((json.skipped as Json[]).map(({ reason }) => reason).sort(), ['early-access', 'gone'])
  const again = (await one.app.post(`${MISSING}/download`, { keys: [`lora:${hashOf('wave')}`, 'lora:nothing'] })).json
  t.match(again.downloads, [])
  t.match((again.skipped as Json[]).find(({ key }) => key === 'lora:nothing'), { reason: 'not-missing' })
  for (const body of [{ keys: [] }, { keys: 'x' }, { recipe_ids: [] }]) t.equal((await one.app.post(MISSING, body)).status, 400)
  t.equal((await one.app.post(MISSING, { recipe_ids: ['nope'] })).status, 404)

  await until(async () => ((await one.app.get('/api/v1/downloads')).json.items as Json[]).every(({ state }) => state === 'succeeded'))
  await one.app.idle()
  t.match((await one.app.get(`${MISSING}?recipe_ids=one,two`)).json, { incomplete_recipes: 0, parts: 0 })
  await until(() => (one.document('two').loras as Json[])[0]?.hash === hashOf('wave'))
  t.match(one.document('two'), { loras: [{ file_name: 'wave', hash: hashOf('wave'), isDeleted: false }] })
})

t.test('who can\'t be asked is not gone: it is unknown until somebody answers', async (t) => {
  const one = await world(t)
  const stop = one.double.faults.always('civitai *', { status: 503 })
  const report = (await one.app.get(MISSING)).json as unknown as { items: Json[] } & Json
  t.match(report, { parts: 7, downloadable: 0, best: null })
  t.same([...new Set(report.items.map(({ state }) => state))].sort(), ['unidentified', 'unknown'])
  stop()
  await until(async () => (await one.app.get(MISSING)).json.downloadable === 4, 60_000)
})

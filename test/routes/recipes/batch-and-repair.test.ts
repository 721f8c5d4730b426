import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { modelBytes, putFile, putModel, sha256Of } from '../../helpers/running-app.ts'
import { picture, recipeWorld, until, type RecipeWorld } from '../../helpers/recipe-world.ts'

type Json = Record<string, unknown>
const START = '/api/lm/recipes/batch-import/start'
const DIRECTORY = '/api/lm/recipes/batch-import/directory'
const kite = sha256Of(modelBytes('kite_style'))
const text = (seed: number, lora = kite): string => `picture ${seed} <lora:kite_style:0.5>\nNegative prompt: dull\nSteps: 20, Sampler: Euler, Seed: ${seed}, Size: 8x8, Lora hashes: "kite_style: ${lora.slice(0, 12)}"`
const prepare = ({ loras }: { loras: string }): void => { putModel(loras, 'kite_style', { base_model: 'SDXL 1.0', civitai: { id: 900, modelId: 90, name: 'v1', model: { name: 'Kite Style', type: 'LORA' } } }) }

async function progressOf (world: RecipeWorld, id: string): Promise<Json> {
  return (await world.app.get(`/api/lm/recipes/batch-import/progress?operation_id=${id}`)).json.progress as Json
}

async function finished (world: RecipeWorld, id: string): Promise<Json> {
  await until(async () => ['completed', 'cancelled'].includes(String((await progressOf(world, id)).status)))
  return await progressOf(world, id)
}

const listed = async (world: RecipeWorld): Promise<number> => Number((await world.app.get('/api/lm/recipes?page_size=1')).json.total)

t.test('a folder becomes recipes once; frames tell every step, the poll and the last frame tell all', async (t) => {
  const world = await recipeWorld(t, { prepare })
  const folder = join(world.app.directory, 'pictures')
  for (let at = 0; at < 6; at++) putFile(join(folder, at < 3 ? `${at}.png` : `deep/${at}.PNG`), await picture({ parameters: text(at) }))
  putFile(join(folder, 'plain.png'), await picture())
  putFile(join(folder, 'notes.txt'), 'no image')
  putFile(join(folder, '.hidden/7.png'), await picture({ parameters: text(7) }))
  world.app.frames.length = 0
  const { status, json } = await world.app.post(DIRECTORY, { directory: folder, tags: ['batch'], mode: 'directory' })
  t.match([status, json], [200, { success: true, operation_id: /^[0-9a-f-]{36}$/ }])
  const id = String(json.operation_id)
  t.equal((await world.app.post(START, { items: [{ source: 'x' }] })).status, 409, 'one at a time')
  const end = await finished(world, id)
  t.match(end, { operation_id: id, total: 7, completed: 7, success: 6, failed: 0, skipped: 1, status: 'completed', progress_percent: 100, finished_at: Number })
  const items = end.items as Json[]
  t.match(items.find(({ source }) => String(source).endsWith('plain.png')), { status: 'skipped', error_message: /No metadata/, recipe_id: null, item_type: 'local_path' })
  const done = items.find(({ source }) => String(source).endsWith('0.png'))
  t.match(done, { id: `${id}_0`, status: 'success', recipe_name: 'picture 0 <lora:kite_style:0.5>' })
  t.match(world.document(String(done?.recipe_id)), { source_path: join(folder, '0.png'), tags: ['batch'], loras: [{ hash: kite }], gen_params: { seed: 0 } })
  const frames = world.app.frames.filter(({ type }) => type === 'batch_import_progress')
  t.equal(frames.length, 1 + 2 * 7 + 1, 'one at the start, two for each image, one at the end')
  t.same((frames.at(-1)?.items as Json[]).length, 7)
  t.equal(await listed(world), 6)

  const again = await finished(world, String((await world.app.post(DIRECTORY, { directory: folder })).json.operation_id))
  t.match(again, { total: 7, success: 0, skipped: 7 })
  t.equal((again.items as Json[])[0]?.recipe_id, done?.recipe_id, 'it says which recipe it is')
  t.equal(await listed(world), 6)
  t.same(world.leftovers(), [])
})

t.test('addresses and paths together: each ends for itself, and a host that asks for patience costs no recipe', async (t) => {
  const world = await recipeWorld(t, { prepare })
  for (const id of [1, 2, 3]) world.double.pictures.set(id, { id, bytes: await picture({ parameters: text(id) }) })
  const local = putFile(join(world.app.directory, 'own.png'), await picture({ parameters: text(9) }))
  const bare = putFile(join(world.app.directory, 'bare.png'), await picture({ parameters: 'a cat\nSteps: 4, Sampler: Euler' }))
  const media = `${world.double.origins.storage}/media`
  world.double.faults.always('GET /media/3.png', { status: 429, retryAfter: 60 })
  const sources = ['https://civitai.com/images/1', `${media}/2.png`, `${media}/3.png`, 'https://civitai.com/images/99', 'http://127.0.0.1:9/x.png', 'nonsense', 'ftp://example.com/a.png']
  const { json } = await world.app.post(START, {
    items: [...sources.map((source) => ({ source })), { source: local, type: 'local_path' }, { source: bare, type: 'local_path' }, { source: '/none/at/all.png', type: 'local_path' }, { source: '../up.png', type: 'local_path' }], skip_no_metadata: true, tags: ['t', 5]
  })
  const end = await finished(world, String(json.operation_id))
  const outcome = (end.items as Json[]).map(({ status }) => status)
  t.same(outcome, ['success', 'success', 'failed', 'failed', 'failed', 'failed', 'failed', 'success', 'skipped', 'skipped', 'failed'], JSON.stringify(end.items, null, 1))
  t.match(end, { total: 11, success: 3, failed: 6, skipped: 2 })
  const { items } = (await world.app.get('/api/v1/jobs')).json as unknown as { items: Json[] }
  t.match(items.find(({ kind }) => kind === 'recipe-batch-import'), { state: 'succeeded', failures: { length: 6 }, result: { success: 3 } })
  t.same(world.leftovers(), [])

  for (const body of [{}, { items: [] }, { items: 'x' }, { items: [{}] }, { items: [{ source: ' ' }] }]) t.equal((await world.app.post(START, body)).status, 400, JSON.stringify(body))
  for (const body of [{}, { directory: '/none/at/all' }, { directory: local }, { directory: 'relative' }]) t.equal((await world.app.post(DIRECTORY, body)).status, 400, JSON.stringify(body))
  t.equal((await world.app.get('/api/lm/recipes/batch-import/progress')).status, 400)
  t.equal((await world.app.get('/api/lm/recipes/batch-import/progress?operation_id=x')).status, 404)
  t.equal((await world.app.post('/api/lm/recipes/batch-import/cancel', {})).status, 400)
  t.equal((await world.app.post('/api/lm/recipes/batch-import/cancel', { operation_id: json.operation_id })).status, 404, 'it is over')
})

t.test('a batch stops within a second, keeps what it made, and after a restart says how far it came', async (t) => {
  const world = await recipeWorld(t, { prepare })
  for (let id = 1; id <= 30; id++) world.double.pictures.set(id, { id, bytes: await picture({ parameters: text(id) }) })
  world.double.faults.always((request) => request.path.startsWith('/media/') && Number(/(\d+)\.png/.exec(request.path)?.[1]) > 4, { hang: true })
  const items = Array.from({ length: 30 }, (_value, at) => ({ source: `${world.double.origins.storage}/media/${at + 1}.png` }))
  const id = String((await world.app.post(START, { items })).json.operation_id)
  await until(async () => Number((await progressOf(world, id)).completed) >= 4)
  const begun = performance.now()
  t.equal((await world.app.post('/api/lm/recipes/batch-import/cancel', { operation_id: id })).status, 200)
  const end = await finished(world, id)
  t.ok(performance.now() - begun < 1500, `${Math.round(performance.now() - begun)} ms`)
  t.match(end, { status: 'cancelled', success: 4, failed: 0 })
  t.equal((end.items as Json[]).filter(({ status }) => status === 'pending').length, 26)
  t.equal(await listed(world), 4)
  await until(() => world.leftovers().length === 0)

  const second = String((await world.app.post(START, { items: items.slice(10) })).json.operation_id)
  await until(async () => (await progressOf(world, second)).status === 'running')
  const next = await world.app.restart()
  t.match((await next.get(`/api/lm/recipes/batch-import/progress?operation_id=${second}`)).json, { progress: { status: 'cancelled', operation_id: second, completed: 0 } })
  t.match((await next.get(`/api/v1/jobs/${second}`)).json, { state: 'failed', error: { code: 'interrupted' } })
})

t.test('folders of the machine are listed by name, hidden ones left out', async (t) => {
  const world = await recipeWorld(t, { prepare })
  const folder = join(world.app.directory, 'pictures')
  for (const name of ['b.png', 'A.jpg', 'notes.txt', '.secret/x.png', 'node_modules/x.png', 'Zoo/x.png', 'alps/x.png']) putFile(join(folder, name), 'x')
  const browse = async (path: unknown) => await world.app.post('/api/lm/recipes/browse-directory', { path })
  t.match((await browse(folder)).json, {
    success: true,
    current_path: folder,
    parent_path: world.app.directory,
    image_count: 2,
    directory_count: 2,
    directories: [{ name: 'alps', path: join(folder, 'alps'), is_parent: false }, { name: 'Zoo' }],
    image_files: [{ name: 'A.jpg', path: join(folder, 'A.jpg'), size: 1 }, { name: 'b.png' }]
  })
  t.equal((await browse('/')).json.parent_path, null)
  for (const [path, wanted] of [[undefined, 400], ['', 400], ['pictures', 400], [join(folder, 'none'), 404], [join(folder, 'b.png'), 400], ['/a\0b', 400]] as const) t.equal((await browse(path)).status, wanted, JSON.stringify(path))
})

const recipe = (id: string, more: Json): string => JSON.stringify({ id, file_path: `/nowhere/${id}.webp`, title: `Recipe ${id}`, created_date: 1, modified: 1, base_model: 'SDXL 1.0', loras: [], gen_params: {}, x_mine: { deep: [1] }, ...more })

async function shelf (t: Parameters<typeof recipeWorld>[0], recipes: Readonly<Record<string, Json>>): Promise<RecipeWorld> {
  return await recipeWorld(t, {
    // nothing is written but what the tests ask for
    settings: { write_sidecars: 'on_edit' },
    files: [
      { name: 'kite_style.safetensors', source: { bytes: modelBytes('kite_style') }, modelId: 90, versionId: 900, modelName: 'Kite Style' },
      { name: 'sky.safetensors', source: { bytes: modelBytes('sky') }, modelId: 70, versionId: 700, modelName: 'Sky', versionName: 'v2', modelType: 'Checkpoint' }
    ],
    prepare (roots) {
      prepare(roots)
      for (const [id, more] of Object.entries(recipes)) putFile(join(roots.loras, 'recipes', id.startsWith('deep') ? 'deep' : '', `${id}.recipe.json`), recipe(id, more))
    }
  })
}

t.test('repair fills gaps from CivitAI, once, and leaves what the user wrote', async (t) => {
  const world = await shelf(t, {
    page: { source_path: 'https://civitai.com/images/41', gen_params: { steps: 99, other: 'x' }, loras: [{ hash: kite, weight: 0.4, localPath: '/x', file_name: 'kite_style' }], favorite: true },
    named: { checkpoint: { name: 'Sky', id: 700 }, gen_params: { prompt: 'p' }, loras: [{ modelVersionId: '900', hash: '', strength: 0.2 }, { modelVersionId: 98765, hash: '' }] },
    mistaken: { checkpoint: { modelVersionId: 900 }, loras: [{ modelVersionId: 900, hash: kite, file_name: 'kite_style' }, { hash: 'aa', file_name: 'b' }], gen_params: { prompt: 'p' } },
    text: { checkpoint: 'old style.safetensors' },
    deep1: { repair_version: 4 }
  })
  world.double.pictures.set(41, { id: 41, bytes: Buffer.alloc(0), meta: { prompt: 'told', steps: 30, seed: 5, civitaiResources: [{ type: 'checkpoint', modelVersionId: 700 }] } })
  t.match((await world.app.get('/api/lm/recipes/repair-progress')), { status: 404, json: { success: false, message: String } })
  t.match((await world.app.post('/api/lm/recipes/repair')), { status: 200, json: { success: true, message: String } })
  t.equal((await world.app.post('/api/lm/recipes/repair')).status, 409)
  t.equal((await world.app.post('/api/lm/recipes/rematch')).status, 409)
  const progress = async (): Promise<Json> => (await world.app.get('/api/lm/recipes/repair-progress')).json.progress as Json
  await until(async () => (await progress()).status === 'completed')
  t.match(await progress(), { type: 'recipe_repair_progress', status: 'completed', repaired: 4, skipped: 1, errors: 0, total: 5 })
  t.match(world.document('page'), { favorite: true, x_mine: { deep: [1] }, modified: 1, repair_version: 4, gen_params: { steps: 99, other: 'x', prompt: 'told', seed: 5 }, checkpoint: { modelVersionId: 700, name: 'Sky', modelName: 'Sky', version: 'v2' }, loras: [{ hash: kite, strength: 0.4 }] })
  t.notMatch(world.document('page').loras, [{ localPath: '/x' }])
  t.match(world.document('mistaken'), { loras: [{ hash: 'aa' }], repair_version: 4 })
  t.notOk('checkpoint' in world.document('mistaken'))
  t.match(world.document('named'), { loras: [{ hash: kite, strength: 0.2 }, { hash: '', isDeleted: undefined }], fingerprint: /:0.2/ }, 'one "not found" marks nothing as deleted')
  t.match(world.document('text'), { repair_version: 4, checkpoint: { name: 'old style.safetensors' } })
  t.match((await world.app.post('/api/lm/recipe/page/repair')).json, { success: true, repaired: 0, skipped: 1, recipe: { id: 'page', file_url: String } })
  t.match((await world.app.post('/api/lm/recipes/repair-bulk', { recipe_ids: ['page', 'nope'] })).json, { success: true, total: 2, repaired: 0, skipped: 2, errors: 0, recipes: [] })
  for (const body of [{}, { recipe_ids: [] }, { recipe_ids: 'x' }]) t.equal((await world.app.post('/api/lm/recipes/repair-bulk', body)).status, 400)
  t.equal((await world.app.post('/api/lm/recipe/nope/repair')).status, 404)
  t.same((await world.app.post('/api/lm/recipes/cancel-repair')).json, { success: true, message: 'Cancellation requested' })
  const types = new Set(world.app.frames.filter(({ type }) => type === 'recipe_repair_progress').map(({ status }) => status))
  t.same([...types], ['started', 'processing', 'completed'])
})

t.test('a repair that CivitAI keeps waiting is called off between two recipes', async (t) => {
  const world = await shelf(t, Object.fromEntries(Array.from({ length: 5 }, (_value, at) => [`r${at}`, { source_path: `https://civitai.com/images/${at + 1}` }])))
  world.double.faults.always('civitai *', { hang: true })
  await world.app.post('/api/lm/recipes/repair')
  await until(() => world.double.count('GET /api/v1/images*') > 0)
  await world.app.post('/api/lm/recipes/cancel-repair')
  const progress = async (): Promise<Json> => (await world.app.get('/api/lm/recipes/repair-progress')).json.progress as Json
  await until(async () => (await progress()).status === 'cancelled')
  t.match(await progress(), { current: 0, total: 5, repaired: 0, errors: 0 })
  t.notOk('repair_version' in world.document('r0'))
})

t.test('rematch binds by hash, version and unique name, changes nothing else and asks nobody', async (t) => {
  const world = await shelf(t, {
    hash: { loras: [{ hash: kite.slice(0, 10).toUpperCase(), isDeleted: true, file_name: '', strength: 0.3, exclude: true }] },
    version: { loras: [{ modelVersionId: '900', file_name: 'gone', hash: '' }] },
    deep2: { loras: [{ file_name: 'sub/KITE_style.safetensors', hash: '' }, { file_name: 'unknown', hash: '' }] },
    otherbase: { base_model: 'Pony', loras: [{ file_name: 'kite_style', hash: '' }] },
    whole: { loras: [{ hash: kite, file_name: 'kite_style' }] }
  })
  const asked = world.double.count()
  const before = world.tree()
  t.match((await world.app.post('/api/lm/recipe/hash/rematch')).json, {
    success: true,
    rematched: 1,
    skipped: 0,
    matched_recipes: 1,
    matched_entries: 1,
    unresolved_recipes: 0,
    unresolved_entries: 0,
    details: { matched: [{ type: 'lora', entry: kite.slice(0, 10).toUpperCase(), file_name: 'kite_style', match_level: 'L1' }], unresolved: [] },
    recipe: { id: 'hash' }
  })
  t.match(world.document('hash'), { modified: 1, x_mine: { deep: [1] }, loras: [{ hash: kite, file_name: 'kite_style', isDeleted: false, exclude: true, strength: 0.3, modelVersionId: 900 }], fingerprint: '' })
  t.match((await world.app.post('/api/lm/recipes/rematch-bulk', { recipe_ids: ['version', 'deep2', 'nope'] })).json, { success: true, total: 3, rematched: 2, skipped: 1, errors: 0, matched_recipes: 2, unresolved_entries: 1, recipes: { length: 2 }, details: [{ recipe_id: 'version', matched: [{ match_level: 'L2' }] }, { recipe_id: 'deep2', matched: [{ match_level: 'L4' }], unresolved: [{ entry: 'unknown' }] }] })
  t.match(world.document('version'), { fingerprint: `${kite}:1.0` })
  await world.app.post('/api/lm/recipes/rematch')
  const progress = async (): Promise<Json> => (await world.app.get('/api/lm/recipes/rematch-progress')).json.progress as Json
  await until(async () => (await progress()).status === 'completed')
  t.match(await progress(), { type: 'recipe_rematch_progress', rematched: 0, skipped: 5, errors: 0, total: 5, unresolved_recipes: 2 })
  const after = world.tree()
  const changed = Object.keys(after).filter((name) => after[name] !== before[name] && name.endsWith('.json')).sort()
  t.same(changed, ['deep/deep2.recipe.json', 'hash.recipe.json', 'version.recipe.json'])
  t.equal(world.double.count(), asked)
  t.equal((await world.app.post('/api/lm/recipe/nope/rematch')).status, 404)
  t.equal((await world.app.post('/api/lm/recipes/rematch-bulk', {})).status, 400)
  rmSync(world.directory, { recursive: true })
})

t.test('a LoRA that a recipe knows by its AutoV3 alone is read for it, once; a name that it bears is enough to look', async (t) => {
  const autov3 = sha256Of(Buffer.from('weights of kite_style')).slice(0, 12)
  const world = await shelf(t, {
    tensors: { loras: [{ hash: autov3.toUpperCase(), file_name: '', modelName: 'kite_style', strength: 0.3 }] },
    other: { loras: [{ hash: 'abcabcabcabc', file_name: '', modelName: 'kite_style' }, { hash: autov3, file_name: '', modelName: 'another name' }] }
  })
  t.match((await world.app.post('/api/lm/recipe/other/rematch')).json, { rematched: 1, details: { matched: [{ match_level: 'L3', file_name: 'kite_style' }], unresolved: [{ entry: 'kite_style' }] } })
  t.match(world.document('other'), { loras: [{ hash: 'abcabcabcabc' }, { hash: kite, file_name: 'kite_style' }] })
  t.match((await world.app.post('/api/lm/recipe/tensors/rematch')).json, { rematched: 1, details: { matched: [{ match_level: 'L1', file_name: 'kite_style' }] } }, 'it is known by now')
  t.match(world.document('tensors'), { loras: [{ hash: kite, strength: 0.3 }] })
})

t.test('a LoRA that was not hashed yet is hashed when a recipe is connected with it', async (t) => {
  const world = await shelf(t, { lost: { loras: [{ hash: '', file_name: '', modelName: 'gone' }] } })
  putModel(world.app.roots.loras, 'fresh', null)
  await world.app.get('/api/lm/loras/scan')
  t.match((await world.app.post('/api/lm/recipe/lora/reconnect', { recipe_id: 'lost', lora_index: 0, target_name: 'fresh' })).json, { success: true, updated_lora: { hash: sha256Of(modelBytes('fresh')), file_name: 'fresh' } })
  t.match(world.document('lost'), { loras: [{ hash: sha256Of(modelBytes('fresh')) }] })
})

t.test('what other programs wrote is told what the library knows, and a model that comes later is bound to what lacked it', async (t) => {
  const late = sha256Of(modelBytes('late'))
  const world = await recipeWorld(t, { prepare })
  const asked = world.double.count()
  const recipes: Record<string, Json> = {
    version: { loras: [{ modelVersionId: 900, hash: '', file_name: '', strength: 0.5 }] },
    'deep/hash': { loras: [{ hash: kite.toUpperCase(), file_name: '', strength: 1, x: [1] }] },
    deleted: { loras: [{ modelVersionId: 900, hash: '', isDeleted: true }] },
    unknown: { loras: [{ hash: 'ab'.repeat(32), file_name: '' }] },
    lacking: { loras: [{ hash: late, file_name: '', isDeleted: true, modelName: 'Late', strength: 1 }] }
  }
  for (const [path, more] of Object.entries(recipes)) putFile(join(world.directory, `${path}.recipe.json`), recipe(path.replace('deep/', ''), more))
  const before = world.tree()
  await world.app.get('/api/lm/recipes/scan')
  const lorasOf = (id: string): Json[] => world.document(id).loras as Json[]
  await until(() => lorasOf('version')[0]?.hash === kite && lorasOf('hash')[0]?.file_name === 'kite_style')
  t.match(world.document('version'), { modified: 1, fingerprint: `${kite}:0.5`, x_mine: { deep: [1] } })
  t.match(lorasOf('hash'), [{ file_name: 'kite_style', strength: 1, x: [1] }], 'in the folder where it lies')

  putModel(world.app.roots.loras, 'late', { base_model: 'SDXL 1.0' })
  await world.app.get('/api/lm/loras/scan')
  await until(() => lorasOf('lacking')[0]?.isDeleted === false)
  t.match(lorasOf('lacking'), [{ hash: late, file_name: 'late', modelName: 'Late' }])
  const after = world.tree()
  for (const id of ['unknown', 'deep/unknown']) t.equal(after[`${id}.recipe.json`], before[`${id}.recipe.json`], 'what is not known is not touched')
  t.equal(world.double.count(), asked, 'nobody else is asked')
})

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { pngChunk } from '../../helpers/metadata-images.ts'
import { modelBytes, putFile, putModel, sha256Of } from '../../helpers/running-app.ts'
import { picture, recipeWorld, type RecipeWorld } from '../../helpers/recipe-world.ts'

type Json = Record<string, unknown>
const kite = sha256Of(modelBytes('kite_style'))
const lost = 'f'.repeat(64)
const civitai = { id: 900, modelId: 90, name: 'v1', model: { name: 'Kite Style', type: 'LORA' } }
const prepare = ({ loras, checkpoints }: { loras: string, checkpoints: string }): void => {
  putModel(loras, 'kite_style', { base_model: 'SDXL 1.0', model_name: 'Kite Style', civitai })
  putModel(checkpoints, 'sky', { model_name: 'Sky', base_model: 'SDXL 1.0', civitai: { id: 700, modelId: 70, name: 'v2', model: { name: 'Sky', type: 'Checkpoint' } } })
}
const parameters = `a red kite 凧 🪁 <lora:kite_style:0.75>
Negative prompt: blurry
Steps: 24, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 42, Size: 640x960, Model hash: 1a2b3c4d5e, Model: skyMix_v2, Clip skip: 2, Lora hashes: "kite_style: ${kite.slice(0, 12)}, lost: ${lost}", Version: v1.9`
const workflow = JSON.stringify({ nodes: [{ id: 1, type: 'KSampler', widgets_values: [7] }], links: [] })
const entries = (value: unknown): Json[] => value as Json[]

t.test('analyse, save, share, download, analyse: the same recipe again', async (t) => {
  const world = await recipeWorld(t, { prepare })
  const image = await picture({ parameters, workflow }, { width: 600, height: 900 })
  const first = await world.analyze(image)
  t.match(first, { base_model: 'SDXL 1.0', is_video: false, extension: '.jpg', matching_recipes: [], gen_params: { steps: 24, sampler: 'DPM++ 2M Karras', cfg_scale: 6.5, seed: 42, size: '640x960', negative_prompt: 'blurry' } })
  t.match(entries(first.loras)[0], { file_name: 'kite_style', existsLocally: true, hash: kite, weight: 0.75, id: 900, modelId: 90, version: 'v1' })
  t.match(entries(first.loras)[1], { existsLocally: false, hash: lost })
  t.match(first.fingerprint, `${kite}:0.75`)

  const saved = await world.save(image, 'Kites 凧', { ...first, tags: ['sky', 'été'] })
  const id = String(saved.recipe_id)
  t.same(saved, { success: true, recipe_id: id, image_path: `${world.directory}/${id}.webp`, json_path: `${world.directory}/${id}.recipe.json`, matching_recipes: [] })
  t.match(world.document(id), { title: 'Kites 凧', tags: ['sky', 'été'], base_model: 'SDXL 1.0', has_workflow: true, fingerprint: first.fingerprint, checkpoint: { name: 'skyMix_v2', hash: '1a2b3c4d5e' }, loras: [{ file_name: 'kite_style', hash: kite, strength: 0.75, modelVersionId: 900, modelName: 'Kite Style', modelVersionName: 'v1', isDeleted: false, exclude: false }, { hash: lost }] })

  const share = (await world.app.get(`/api/lm/recipe/${id}/share`)).json
  const download = await world.app.app.inject({ method: 'GET', url: String(share.download_url) })
  t.equal(download.statusCode, 200)
  const again = await world.analyze(download.rawPayload)
  t.match(again, { from_recipe_metadata: true, title: 'Kites 凧', tags: ['sky', 'été'], base_model: 'SDXL 1.0', fingerprint: first.fingerprint, matching_recipes: [{ id, title: 'Kites 凧', lora_count: 2 }] })
  t.same(again.gen_params, world.document(id).gen_params, 'parameters are those of the recipe, to the type')
  const facts = (list: unknown): unknown[] => entries(list).map(({ hash, weight, file_name: file, id: version }) => [hash, weight, file, version ?? 0])
  t.same(facts(again.loras), facts(first.loras))

  const second = await world.save(download.rawPayload, String(again.title), again)
  t.match(second.matching_recipes, [{ id }], 'saved again, it says that it was there')
  const { id: _id, file_path: _path, created_date: _made, modified: _changed, ...rest } = world.document(String(second.recipe_id))
  const { id: _id1, file_path: _path1, created_date: _made1, modified: _changed1, ...before } = world.document(id)
  t.same(rest, before, 'the copy differs in nothing but its name and dates')
  t.same(world.leftovers(), [])
})

t.test('where the user wants it, the untouched image stays beside the smaller one and goes where its recipe goes', async (t) => {
  const world = await recipeWorld(t, { prepare, settings: { keep_recipe_originals: true } })
  const { app, directory } = world
  const image = await picture({ parameters }, { width: 600, height: 900 })
  const id = String((await world.save(image, 'Whole', await world.analyze(image))).recipe_id)
  const at = (folder: string): string => join(directory, folder, `${id}.original.png`)
  t.ok(readFileSync(at('')).equals(image))
  t.equal((await app.get('/api/lm/recipes')).json.total, 1)
  await app.post('/api/lm/recipe/move', { recipe_id: id, target_path: 'deep' })
  t.notOk(existsSync(at('')))
  const whole = world.tree()
  const { batch_id: batch } = (await app.call('DELETE', `/api/lm/recipe/${id}`)).json
  t.notOk(existsSync(at('deep')))
  t.equal((await app.post('/api/lm/undo-delete', { batch_id: batch })).status, 200)
  t.same(world.tree(), whole)
  t.ok(readFileSync(at('deep')).equals(image))
  const video = Buffer.concat([Buffer.from('0000001c667479706d703432', 'hex'), Buffer.alloc(64)])
  const other = String((await world.save(video, 'Moving', { loras: [] }, { extension: '.mp4' })).recipe_id)
  t.match(Object.keys(world.tree()).filter((path) => path.includes(other)).length, 2, 'what is kept as it is is not kept twice')
})

t.test('forms of every kind: base64, an address, odd values; what is missing leaves nothing behind', async (t) => {
  const world = await recipeWorld(t, { prepare })
  const image = await picture()
  const metadata = JSON.stringify({ loras: [{ file_name: 'x', hash: 'ABCDEF', weight: null, id: '7', name: 'X', version: 'v1' }, 5, null], gen_params: { prompt: 'a cat', steps: 20, seed: null, width: 3 }, model: { name: 'Sky', size: 5, downloadUrl: 'x', existsLocally: true } })
  const before = world.tree()
  const bad: [string, Record<string, string | { bytes: Buffer }>][] = [
    ['no name', { metadata, image: { bytes: image } }],
    ['a blank name', { name: ' ', metadata, image: { bytes: image } }],
    ['no metadata', { name: 'a', image: { bytes: image } }],
    ['no image', { name: 'a', metadata }],
    ['an empty image', { name: 'a', metadata, image: { bytes: Buffer.alloc(0) } }],
    ['text for base64', { name: 'a', metadata, image_base64: 'not an image!' }],
    ['an address of this machine', { name: 'a', metadata, image_url: 'http://127.0.0.1:1/a.png' }],
    ['an address that is none', { name: 'a', metadata, image_url: 'file:///etc/passwd' }]
  ]
  for (const [name, fields] of bad) {
    const { status, json } = await world.form('/api/lm/recipes/save', fields)
    t.match([status, json], [400, { success: false, error: String }], name)
  }
  t.equal((await world.app.post('/api/lm/recipes/save', { name: 'a' })).status, 400, 'JSON is no form')
  t.same([world.tree(), world.leftovers()], [before, []], 'nothing was written')

  const base64 = `data:image/png;base64,${image.toString('base64')}`
  const { json } = await world.form('/api/lm/recipes/save', { image_base64: base64, name: '../odd "name"', tags: 'not json', metadata })
  t.match(world.document(String(json.recipe_id)), { title: '../odd "name"', gen_params: { prompt: 'a cat', steps: 20 }, loras: [{ hash: 'abcdef', strength: 1, modelVersionId: 7 }], checkpoint: { name: 'Sky', modelName: 'Sky' } })
  t.notMatch(world.document(String(json.recipe_id)).checkpoint, { size: 5 })
  world.double.pictures.set(5, { id: 5, bytes: image })
  t.equal((await world.form('/api/lm/recipes/save', { image_url: `${world.double.origins.storage}/media/5.png`, name: 'fetched', metadata })).status, 200)
  const video = Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isommp41', 'latin1'), Buffer.alloc(5000, 7)])
  const film = (await world.form('/api/lm/recipes/save', { image: { bytes: video }, name: 'film', extension: '.mp4', metadata })).json
  t.ok(readFileSync(String(film.image_path)).equals(video) && String(film.image_path).endsWith('.mp4'), 'a video keeps its bytes')
  t.same(world.leftovers(), [])
})

t.test('hostile uploads: an answer, no fault of ours, nothing left', async (t) => {
  const world = await recipeWorld(t, { prepare })
  const image = await picture({ parameters })
  const bomb = Buffer.concat([image.subarray(0, 33), pngChunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0', 'latin1'), deflateSync(Buffer.alloc(64 * 1024 * 1024, 65))])), image.subarray(33)])
  const wide = Buffer.from(image)
  wide.writeUInt32BE(60_000, 16)
  wide.writeUInt32BE(60_000, 20)
  const hostile = { bomb, wide, cut: image.subarray(0, 100), text: Buffer.from('<svg onload="alert(1)"/>'), zeros: Buffer.alloc(70_000), head: image.subarray(0, 9) }
  for (const [name, bytes] of Object.entries(hostile)) {
    const { status, json } = await world.form('/api/lm/recipes/analyze-image', { image: { bytes } })
    t.match([status, json], [200, { loras: Array }], name)
  }
  t.match(await world.form('/api/lm/recipes/analyze-image', { image: { bytes: Buffer.alloc(0) } }), { status: 400, json: { loras: [] } })
  t.match(await world.form('/api/lm/recipes/analyze-image', { other: 'x' }), { status: 400, json: { success: false, loras: [] } })
  const plain = await world.app.app.inject({ method: 'POST', url: '/api/lm/recipes/analyze-image', payload: 'hello', headers: { 'content-type': 'text/plain' } })
  t.match([plain.statusCode, plain.json()], [400, { success: false, loras: [] }])
  for (const url of ['http://127.0.0.1:8188/', 'http://169.254.169.254/latest', 'ftp://example.com/a.png', 'http://user:pass@example.com/a.png', '', 5]) {
    const { status, json } = await world.app.post('/api/lm/recipes/analyze-image', { url })
    t.match([status, json], [400, { success: false, loras: [] }], String(url))
  }
  // A path is no way to read what is no image.
  const secret = putFile(join(world.app.directory, 'secret.txt'), 'hush')
  const { status, json } = await world.app.post('/api/lm/recipes/analyze-local-image', { path: secret })
  t.match([status, json], [200, { error: /No metadata/, loras: [] }])
  t.notOk('image_base64' in json)
  for (const [path, wanted] of [['', 400], ['relative.png', 400], [join(world.app.directory, 'none.png'), 404], [world.app.directory, 404]] as const) t.equal((await world.app.post('/api/lm/recipes/analyze-local-image', { path })).status, wanted, path)
  const local = putFile(join(world.app.directory, 'local.png'), image)
  t.match((await world.app.post('/api/lm/recipes/analyze-local-image', { path: `"${local}"` })).json, { gen_params: { steps: 24 }, image_base64: image.toString('base64') })
  t.same(world.leftovers(), [])
})

const meta = { prompt: 'a lighthouse at dusk with more words than ten of them fit', negativePrompt: 'fog', steps: 30, sampler: 'Euler a', cfgScale: 7, seed: 5, civitaiResources: [{ type: 'lora', modelVersionId: 900, weight: 0.6 }, { type: 'checkpoint', modelVersionId: 700 }] }

async function gallery (t: Test): Promise<RecipeWorld> {
  const world = await recipeWorld(t, {
    prepare,
    files: [
      { name: 'kite_style.safetensors', source: { bytes: modelBytes('kite_style') }, modelId: 90, versionId: 900, modelName: 'Kite Style', versionName: 'v1' },
      { name: 'sky.safetensors', source: { bytes: modelBytes('sky') }, modelId: 70, versionId: 700, modelName: 'Sky', versionName: 'v2', modelType: 'Checkpoint' },
      { name: 'elsewhere.safetensors', source: { bytes: Buffer.alloc(3000, 3) }, modelId: 60, versionId: 600, modelName: 'Elsewhere' }
    ]
  })
  world.double.pictures.set(41, { id: 41, bytes: await picture(), meta, extra: { nsfwLevel: 'Soft', browsingLevel: 4 } })
  world.double.pictures.set(42, { id: 42, bytes: await picture({ parameters }), meta: null })
  return world
}

t.test('an image page becomes a recipe once, whatever it tells by its meta or in the file', async (t) => {
  const world = await gallery(t)
  const url = 'https://civitai.com/images/41'
  const get = async (query: string) => await world.app.get(`/api/lm/recipes/import-from-url?${query}`)
  const { status, json, headers } = await get(`image_url=${encodeURIComponent(url)}`)
  t.match([status, headers['cache-control']], [200, 'no-store'], JSON.stringify(json))
  const id = String(json.recipe_id)
  t.match(world.document(id), {
    title: 'a lighthouse at dusk with more words than ten of',
    source_path: url,
    preview_nsfw_level: 4,
    base_model: 'SDXL 1.0',
    gen_params: { prompt: meta.prompt, negative_prompt: 'fog', steps: 30, sampler: 'Euler a', cfg_scale: 7, seed: 5 },
    loras: [{ modelVersionId: 900, strength: 0.6, hash: kite, file_name: 'kite_style' }],
    checkpoint: { modelVersionId: 700, name: 'Sky' }
  })
  const asked = world.double.count()
  t.match((await get('image_url=https://civitai.green/images/41')).json, { success: true, recipe_id: id, name: /lighthouse/, already_exists: true })
  t.equal(world.double.count(), asked, 'without asking anyone')
  t.match((await get('image_url=https://civitai.com/images/41&force=true')).json, { success: true, image_path: String })
  t.match(world.document(String((await get('image_url=https://civitai.com/images/42')).json.recipe_id)), { gen_params: { steps: 24 }, loras: [{ hash: kite }, { hash: lost, isDeleted: false }] }, 'the file speaks where the meta does not; a mark needs CivitAI\'s word twice')

  const analysis = (await world.app.post('/api/lm/recipes/analyze-image', { url })).json
  t.match(analysis, { from_civitai_image: true, preview_nsfw_level: 4, image_base64: String, is_video: false, fingerprint: `${kite}:0.6`, matching_recipes: Array })
  for (const query of ['', 'image_url=https://example.com/images/41', 'image_url=https://civitai.com/models/41', 'image_url=https://civitai.com/images/999']) t.equal((await get(query)).status, 400, query)
  t.equal((await world.app.app.inject({ method: 'HEAD', url: `/api/lm/recipes/import-from-url?image_url=${url}&force=true` })).statusCode, 405)
  t.same(world.leftovers(), [])
})

t.test('what an extension read of a page counts before everything; bad JSON is refused before anything is fetched', async (t) => {
  const world = await gallery(t)
  const query = (fields: Record<string, string>): string => `/api/lm/recipes/import-remote?${new URLSearchParams(fields).toString()}`
  const resources = JSON.stringify([{ type: 'LyCORIS', modelId: 60, modelVersionId: '600', modelName: 'Elsewhere', modelVersionName: 'v1', weight: 0.4 }, { type: 'Checkpoint', modelId: 70, modelVersionId: 700, modelName: 'Sky', modelVersionName: 'v2' }])
  const image = `${world.double.origins.storage}/media/42.png`
  const { status, json } = await world.app.get(query({ image_url: image, name: 'Read', resources, gen_params: '{"cfg":9}', tags: 'a, b,', source_path: 'https://civitai.com/images/41' }))
  t.equal(status, 200, JSON.stringify(json))
  t.match(world.document(String(json.recipe_id)), {
    title: 'Read',
    tags: ['a', 'b'],
    source_path: 'https://civitai.com/images/41',
    gen_params: { cfg_scale: 9, steps: 30, prompt: meta.prompt },
    loras: [{ modelVersionId: 600, strength: 0.4, modelName: 'Elsewhere' }],
    checkpoint: { modelVersionId: 700, modelName: 'Sky' },
    base_model: 'SDXL 1.0'
  })
  const tree = world.tree()
  const asked = world.double.count()
  for (const fields of [{}, { image_url: image }, { image_url: image, name: 'x' }, { image_url: image, name: 'x', resources: '{' }, { image_url: image, name: 'x', resources: '{}' }, { image_url: image, name: 'x', resources: '[]', gen_params: '[1]' }] as Record<string, string>[]) {
    t.match(await world.app.get(query(fields)), { status: 400, json: { success: false } }, JSON.stringify(fields))
  }
  t.same([world.tree(), world.leftovers(), world.double.count()], [tree, [], asked])
})

t.test('a provider that does not answer never makes a model deleted, and never empties a recipe', async (t) => {
  const world = await gallery(t)
  const id = String((await world.app.get('/api/lm/recipes/import-from-url?image_url=https://civitai.com/images/41')).json.recipe_id)
  await world.app.call('PUT', `/api/lm/recipe/${id}/update`, { title: 'Mine', tags: ['kept'], favorite: true })
  const before = world.document(id)
  const other = await picture({ parameters: `x <lora:far:1>\nSteps: 3, Lora hashes: "far: ${'e'.repeat(64)}"` })
  for (const fault of [{ status: 429, retryAfter: 60 }, { status: 503 }, { reset: true }, { html: true }]) {
    const stop = world.double.faults.always('civitai *', fault)
    const { loras } = await world.analyze(other)
    t.match(entries(loras)[0], { isDeleted: false, hash: 'e'.repeat(64) }, JSON.stringify(fault))
    t.equal((await world.app.post(`/api/lm/recipe/${id}/reimport`)).status, 400)
    t.same(world.document(id), before)
    stop()
  }
  await world.app.app.core.settings.update({ offline_mode: true })
  t.match(entries((await world.analyze(other)).loras)[0], { isDeleted: false })
  t.match(await world.app.get('/api/lm/recipes/import-from-url?image_url=https://civitai.com/images/42'), { status: 400 })
  await world.app.app.core.settings.update({ offline_mode: false })
  t.same(world.leftovers(), [])
})

t.test('a recipe imported anew keeps its id and what the user gave it, and loses nothing to a poorer source', async (t) => {
  const world = await gallery(t)
  const id = String((await world.app.get('/api/lm/recipes/import-from-url?image_url=https://civitai.com/images/41')).json.recipe_id)
  await world.app.call('PUT', `/api/lm/recipe/${id}/update`, { title: 'Mine', tags: ['kept'], favorite: true })
  await world.app.post('/api/lm/recipe/move', { recipe_id: id, target_path: 'sea' })
  const before = world.document(id)
  world.double.pictures.set(41, { id: 41, bytes: await picture(), meta: { ...meta, steps: 50 } })
  t.match(await world.app.post(`/api/lm/recipe/${id}/reimport`), { status: 200, json: { success: true, old_recipe_id: id, recipe_id: id, source_path: 'https://civitai.com/images/41' } })
  t.match(world.document(id), { title: 'Mine', tags: ['kept'], favorite: true, folder: 'sea', preview_nsfw_level: 4, created_date: before.created_date, gen_params: { steps: 50 } })
  world.double.pictures.set(41, { id: 41, bytes: await picture(), meta: { prompt: 'p' } })
  const now = world.tree()
  t.match(await world.app.post(`/api/lm/recipe/${id}/reimport`), { status: 400, json: { success: false } }, 'the page names no LoRA now')
  t.same(world.tree(), now)
  t.equal((await world.app.post('/api/lm/recipe/nope/reimport')).status, 404)

  const file = putFile(join(world.app.directory, 'pictures/own.png'), await picture({ parameters }))
  const own = String((await world.save(await picture({ parameters }), 'Own', await world.analyze(readFileSync(file)))).recipe_id)
  t.equal((await world.app.post(`/api/lm/recipe/${own}/reimport`)).status, 400, 'it does not say where it came from')
  await world.app.call('PUT', `/api/lm/recipe/${own}/update`, { source_path: file })
  t.equal((await world.app.post(`/api/lm/recipe/${own}/reimport`)).status, 200)
  writeFileSync(file, 'gone bad')
  t.equal((await world.app.post(`/api/lm/recipe/${own}/reimport`)).status, 400)
  t.match(world.document(own), { title: 'Own', gen_params: { steps: 24 } })
})

t.test('an example becomes a recipe of its model, also where its words name none or a lost one', async (t) => {
  const world = await gallery(t)
  const from = async (body: Json) => await world.app.post('/api/lm/recipes/create-from-example', body)
  const image = `${world.double.origins.storage}/media/41.png`
  const { status, json } = await from({ image_data: { url: image, nsfwLevel: 2, meta: { prompt: 'p', steps: 4 } }, model_hash: kite, model_name: 'kite_style', model_type: 'loras' })
  t.equal(status, 200, JSON.stringify(json))
  t.match(world.document(String(json.recipe_id)), { title: 'p', source_path: 'https://civitai.com/images/41', preview_nsfw_level: 2, loras: [{ hash: kite, modelVersionId: 900, file_name: 'kite_style', strength: 1 }] })
  const local = putFile(join(world.app.roots.loras, 'kite_style.example.0.png'), await picture())
  const checkpoint = sha256Of(modelBytes('sky'))
  const second = (await from({ image_data: { meta: { steps: 4, sampler: 'x' } }, model_hash: checkpoint, model_name: 'sky', model_type: 'checkpoints', local_image_path: local })).json
  t.match(world.document(String(second.recipe_id)), { title: 'Recipe from sky', checkpoint: { modelVersionId: 700 } })
  const outside = putFile(join(world.app.directory, 'outside.png'), await picture())
  const tree = world.tree()
  const good = { image_data: { url: image, meta: { prompt: 'p' } }, model_hash: kite, model_name: 'kite_style', model_type: 'loras' }
  for (const body of [{}, { ...good, model_hash: '' }, { ...good, image_data: 'x' }, { ...good, image_data: { url: image, meta: {} } }, { ...good, local_image_path: outside }, { ...good, local_image_path: '/etc/passwd' }, { ...good, image_data: { meta: { prompt: 'p' } } }, { ...good, image_data: { url: 'http://127.0.0.1:1/a.png', meta: { prompt: 'p' } } }]) {
    t.match(await from(body), { status: 400, json: { success: false } }, JSON.stringify(body))
  }
  t.same([world.tree(), world.leftovers()], [tree, []])
  t.ok(statSync(local).isFile(), 'the example stays')
})

t.test('a node sends its last generation; without one there is nothing to save', async (t) => {
  const world = await recipeWorld(t, { prepare })
  t.match(await world.app.post('/api/lm/recipes/save-from-widget'), { status: 400, json: { success: false, error: 'Metadata collection not available' } })
  const image = (await picture()).toString('base64')
  const metadata = { prompt: 'p', steps: '20', guidance: '3.5', seed: null, checkpoint: 'sky.safetensors', loras: '<lora:kite_style:0.75> <lora:unknown:1>' }
  const { status, json } = await world.app.post('/api/lm/recipes/save-from-widget', { metadata, image })
  t.match([status, json], [200, { success: true, recipe_name: 'kite_style-0.75_unknown-1.00' }], JSON.stringify(json))
  t.match(world.document(String(json.recipe_id)), {
    loras: [{ file_name: 'kite_style', hash: kite, modelVersionId: 900, modelName: 'Kite Style' }, { file_name: 'unknown', hash: '', modelName: '' }],
    checkpoint: { name: 'Sky', modelVersionId: 700, file_name: 'sky' },
    base_model: 'SDXL 1.0',
    gen_params: { prompt: 'p', steps: '20', guidance: '3.5' },
    loras_stack: metadata.loras,
    fingerprint: `${kite}:0.75`
  })
  const tree = world.tree()
  for (const body of [{ metadata: {}, image }, { metadata }, { metadata, image: 'no base64!' }, { metadata: 'text', image }]) t.equal((await world.app.post('/api/lm/recipes/save-from-widget', body)).status, 400)
  t.same([world.tree(), world.leftovers()], [tree, []])
})

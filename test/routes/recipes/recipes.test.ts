import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { embedTexts } from '../../../services/images/embed-texts.ts'
import { readEmbeddedTexts } from '../../../services/images/embedded-texts.ts'
import type { RecipeShelf } from '../../../services/recipes/ports.ts'
import { putRecipe, webp } from '../../helpers/recipes.ts'
import { modelBytes, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'
import { treeOf } from '../../helpers/tree.ts'

type Json = Record<string, unknown>

const shelf = (run: RunningApp): RecipeShelf => run.app.core.recipes
const items = async (run: RunningApp, query = ''): Promise<Json[]> => (await run.get(`/api/lm/recipes?page_size=500&${query}`)).json.items as Json[]
const ids = async (run: RunningApp, query = ''): Promise<unknown[]> => (await items(run, query)).map(({ id }) => id)
const hash = (name: string): string => sha256Of(modelBytes(name))

const loraEntry = (over: Json = {}): Json => ({ file_name: '', hash: '', strength: 1, modelVersionId: 0, modelName: '', modelVersionName: '', isDeleted: false, exclude: false, ...over })

t.test('recipes are listed, filtered, sorted, searched and counted as their files say, whatever their age', async (t) => {
  const image = await webp('#123456', { width: 8, height: 10 })
  const run = await runningApp(t, {
    prepare ({ loras, checkpoints }) {
      const root = join(loras, 'recipes')
      putModel(join(loras, 'sea'), 'harbor_v2', {})
      putModel(loras, 'ink', {})
      putModel(checkpoints, 'base', {})
      putRecipe(join(root, 'sea/deep'), 'new', { title: 'a10 Harbor', modified: 1700000300, tags: ['sea', 'x'], favorite: true, source_path: 'https://civitai.com/images/4711', loras: [loraEntry({ hash: hash('harbor_v2').toUpperCase(), strength: 0.8, file_name: 'old_name' }), loraEntry({ hash: 'ff'.repeat(32) })], gen_params: { Prompt: 'A café by the sea', seed: 1 } }, image)
      putRecipe(root, 'old', { title: 'a2 Ink', modified: null, created_date: 1700000100, base_model: null, checkpoint: 'models/base.safetensors', loras: [{ name: 'x', weight: 0.5, file_name: 'ink' }], preview_nsfw_level: 8, tags: ['x'] }, image)
      putRecipe(root, 'lone', { title: 'B', modified: 0, created_date: 1700000200, file_path: '' })
      putRecipe(root, 'broken', {}, null, '{"id":')
      putRecipe(root, 'nameless', {}, null, JSON.stringify({ id: 'nameless' }))
    }
  })
  t.strictSame(await ids(run), ['new', 'lone', 'old'])
  t.strictSame(await ids(run, 'sort_by=date:asc'), ['old', 'lone', 'new'])
  t.strictSame(await ids(run, 'sort_by=name'), ['old', 'new', 'lone'])
  t.strictSame(await ids(run, 'sort_by=loras_count'), ['new', 'old', 'lone'])
  for (const [query, expected] of [
    ['folder=sea', ['new']], ['folder=sea&recursive=false', []], ['folder=&recursive=false', ['lone', 'old']], ['base_models=SDXL%201.0', ['new', 'lone']],
    ['favorite=true', ['new']], ['tag_include=x', ['new', 'old']], ['tag_include=x&tag_exclude=sea', ['old']], ['tag_include=__no_tags__', ['lone']],
    ['search=CAFE%20sea', ['new']], ['search=cafe&search_prompt=false', []], ['search=ink&search_title=false', ['old']], ['search=%20', ['new', 'lone', 'old']],
    [`lora_hash=${hash('harbor_v2')}&search=nothing`, ['new']], ['search=ink&sort_by=name', ['old']]
  ] as const) t.strictSame(await ids(run, query), expected, query)

  const [newest, , oldest] = await items(run)
  t.match(newest, { folder: 'sea/deep', width: 8, height: 10, gen_params: { Prompt: 'A café by the sea', prompt: 'A café by the sea' }, modified_formatted: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, file_url: /^\/api\/lm\/previews\?path=%2F/ })
  t.match(newest?.loras, [{ inLibrary: true, matched_by: 'hash', renamed: true, localPath: join(run.roots.loras, 'sea/harbor_v2.safetensors') }, { inLibrary: false, localPath: null, preview_url: null }])
  t.match(oldest, { base_model: '', loras: [{ inLibrary: true, matched_by: 'name', hash: hash('ink') }], checkpoint: { name: 'models/base.safetensors', file_name: 'base', inLibrary: true, matched_by: 'name' } })
  t.equal((await items(run, 'search=B&search_prompt=false'))[0]?.file_url, '/loras_static/images/no-preview.png')

  const pages = await Promise.all([1, 2, 3].map(async (page) => (await run.get(`/api/lm/recipes?page_size=1&page=${page}&sort_by=random:q`)).json.items as Json[]))
  t.strictSame(pages.flat().map(({ id }) => id).sort(), ['lone', 'new', 'old'], 'pages of one seed hold everything once')
  t.match((await run.get('/api/lm/recipes?page=0&page_size=100000')).json, { page: 1, page_size: 1000, total: 3, total_pages: 1 })
  t.equal((await run.get('/api/lm/recipes?page=x')).status, 400)
  await run.post('/api/lm/settings', { show_only_sfw: true })
  t.strictSame(await ids(run), ['new', 'lone'])
  await run.post('/api/lm/settings', { show_only_sfw: false })

  t.strictSame((await run.get('/api/lm/recipes/top-tags')).json.tags, [{ tag: 'x', count: 2 }, { tag: 'sea', count: 1 }])
  t.strictSame((await run.get('/api/lm/recipes/search-tags?q=SE')).json.tags, [{ tag: 'sea', count: 1 }])
  t.strictSame((await run.get('/api/lm/recipes/base-models?limit=0')).json.base_models, [{ name: 'SDXL 1.0', count: 2 }])
  t.strictSame((await run.get('/api/lm/recipes/roots')).json.roots, [join(run.roots.loras, 'recipes')])
  t.strictSame((await run.get('/api/lm/recipes/folders')).json.folders, ['', 'sea/deep'])
  mkdirSync(join(run.roots.loras, 'recipes/empty'))
  t.strictSame((await run.get('/api/lm/recipes/folder-tree')).json.tree, { empty: {}, sea: { deep: {} } })
  t.match((await run.get(`/api/lm/recipes/for-checkpoint?hash=${hash('base')}`)).json, { success: true, recipes: [] })
  t.equal((await run.get('/api/lm/recipes/for-lora')).status, 400)
  t.strictSame((await run.get('/api/lm/recipes/check-image-exists?image_ids=4711,12,x')).json.results, { 12: { in_library: false, recipe_id: null }, 4711: { in_library: true, recipe_id: 'new' } })
  t.equal((await run.get('/api/lm/recipe/new/syntax')).json.syntax, '<lora:sea/harbor_v2:0.8> <lora:unknown-lora:1.0>')
  t.equal((await run.get('/api/lm/recipe/lone/syntax')).status, 400)
  t.match((await run.get('/loras/recipes')).text, /data-page="recipes"/)
  t.match((await run.get('/api/lm/init-status?pageType=recipes')).json, { status: 'complete', pageType: 'recipes' })
  t.equal((await run.call('POST', '/api/lm/recipe/new/opened')).status, 200)
  t.equal((await run.post('/api/lm/recipe/gone/opened')).status, 404)
  t.strictSame(await ids(run, 'sort_by=opened'), ['new'])
})

t.test('a detail is what the file says now; equal LoRAs and equal sources are found as duplicates', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      const root = join(loras, 'recipes')
      putModel(loras, 'a', {})
      putRecipe(root, 'r1', { source_path: 'https://x/1', modified: 2, loras: [loraEntry({ hash: hash('a'), strength: 0.5 })], gen_params: { prompt: 'one  two', seed: 7 } })
      putRecipe(root, 'r2', { source_path: ' https://x/1 ', modified: 3, loras: [loraEntry({ hash: hash('a').slice(0, 10), strength: 0.5 })], gen_params: { prompt: 'ONE two' } })
      putRecipe(root, 'r3', { loras: [loraEntry({ hash: hash('a'), strength: 0.5, exclude: false })], gen_params: { prompt: 'three', seed: '7' } })
      putRecipe(root, 'r4', { source_path: null, modified: null })
    }
  })
  const groups = (await run.get('/api/lm/recipes/find-duplicates')).json.duplicate_groups as { type: string, fingerprint: string, recipes: Json[] }[]
  t.strictSame(groups.map(({ type, recipes }) => [type, recipes.map(({ id }) => id)]), [['fingerprint', ['r3', 'r2', 'r1']], ['source_path', ['r2', 'r1']]])
  const prompted = (await run.get('/api/lm/recipes/find-duplicates?include_prompt=1')).json.duplicate_groups as typeof groups
  t.strictSame(prompted.map(({ recipes }) => recipes.map(({ id }) => id)), [['r2', 'r1'], ['r2', 'r1']])
  const seeded = async (query: string): Promise<unknown> => ((await run.get(`/api/lm/recipes/find-duplicates?include_seed=true${query}`)).json.duplicate_groups as typeof groups).map(({ type, recipes }) => [type, recipes.map(({ id }) => id)])
  t.strictSame(await seeded(''), [['fingerprint', ['r3', 'r1']], ['source_path', ['r2', 'r1']]])
  t.strictSame(await seeded('&include_prompt=1'), [['source_path', ['r2', 'r1']]], 'what is alike in one of them only is another picture')
  const path = join(run.roots.loras, 'recipes/r1.recipe.json')
  const { source_path: _gone, ...document } = JSON.parse(readFileSync(path, 'utf8')) as Json
  writeFileSync(path, JSON.stringify({ ...document, title: 'by hand' }))
  const detail = (await run.get('/api/lm/recipe/r1')).json
  t.match(detail, { title: 'by hand', has_workflow: false })
  t.notOk('source_path' in detail)
  t.equal((await run.get('/api/lm/recipe/none')).status, 404)
  t.match((await run.get('/api/lm/recipes/scan')).json, { success: true })
  t.strictSame(await ids(run, 'search=hand'), ['r1'])
})

t.test('updating writes what was asked for and nothing else, into the file and into its image', async (t) => {
  const image = embedTexts(await webp(), { parameters: 'a prompt\nSteps: 5', prompt: null, workflow: '{"nodes":[]}' }) ?? Buffer.alloc(0)
  const text = '{\n    "id": "r",\n    "file_path": "/elsewhere/r.webp",\n    "title": "T",\n    "mine": 1.0,\n    "gen_params": {"seed": 12345678901234567890},\n    "loras": []\n}'
  const run = await runningApp(t, { prepare: ({ loras }) => { putRecipe(join(loras, 'recipes'), 'r', {}, image, text) } })
  const [json, webpPath] = [join(run.roots.loras, 'recipes/r.recipe.json'), join(run.roots.loras, 'recipes/r.webp')]
  const healed = text.replace('/elsewhere/r.webp', webpPath)
  t.equal(readFileSync(json, 'utf8'), healed, 'moved along with its image, it is told where that lies')
  t.equal((await items(run))[0]?.has_workflow, true)
  await run.call('PUT', '/api/lm/recipe/r/update', { favorite: true, id: 'other', file_path: '/etc/passwd' })
  t.equal(readFileSync(json, 'utf8'), healed.replace('"loras": []', '"loras": [],\n    "favorite": true'))
  t.ok(readFileSync(webpPath).equals(image), 'a star is not in the image')
  t.strictSame((await run.call('PUT', '/api/lm/recipe/r/update', { title: '水 ✨', tags: ['a'], other: 1 })).json, { success: true, recipe_id: 'r', updates: { title: '水 ✨', tags: ['a'] } })
  await run.call('PUT', '/api/lm/recipe/r/update', { title: 'Second' })
  const texts = await readEmbeddedTexts(readFileSync(webpPath))
  t.match(texts.parameters, /^a prompt\nSteps: 5 \n Recipe metadata: \{"title": "Second"/)
  t.equal(texts.parameters?.split('Recipe metadata: ').length, 2, 'one marker')
  t.equal(texts.workflow, '{"nodes":[]}')
  t.strictSame(await ids(run, 'search=second'), ['r'])
  t.strictSame(await ids(run, `search=${encodeURIComponent('水')}`), [])
  const before = treeOf(run.directory)
  for (const body of [{}, { other: 1 }, { tags: 'a' }, { tags: [1] }, { favorite: 1 }, { gen_params: [] }, { preview_nsfw_level: 1.5 }, { title: '' }]) t.equal((await run.call('PUT', '/api/lm/recipe/r/update', body)).status, 400, JSON.stringify(body))
  t.equal((await run.call('PUT', '/api/lm/recipe/none/update', { title: 'x' })).status, 404)
  t.strictSame(treeOf(run.directory), before, 'refused requests leave everything as it is')
  const { items: operations } = (await run.get('/api/v1/operations?limit=1')).json as { items: { id: string }[] }
  t.equal((await run.post(`/api/v1/operations/${operations[0]?.id}/undo`)).status, 200)
  t.equal((await items(run))[0]?.title, '水 ✨', 'an edit can be undone')
  t.match((await readEmbeddedTexts(readFileSync(webpPath))).parameters, /"title": "\\u6c34/)
})

t.test('twenty edits at once lose nothing', async (t) => {
  const run = await runningApp(t, { prepare: ({ loras }) => { putRecipe(join(loras, 'recipes'), 'r', { gen_params: {} }) } })
  await Promise.all(Array.from({ length: 20 }, async (_, n) => await shelf(run).edit('r', (document) => ({ ...document, gen_params: { ...document.gen_params, [`k${n}`]: n } }), { route: 'test' })))
  t.equal(Object.keys(shelf(run).get('r')?.document.gen_params ?? {}).length, 20)
  t.strictSame(JSON.parse(readFileSync(join(run.roots.loras, 'recipes/r.recipe.json'), 'utf8')).gen_params, shelf(run).get('r')?.document.gen_params)
})

t.test('deleted recipes come back by undo, alone and in bulk', async (t) => {
  const image = await webp()
  const run = await runningApp(t, {
    prepare ({ loras }) {
      for (const id of ['a', 'b', 'c']) putRecipe(join(loras, 'recipes'), id, { title: `title ${id}`, source_path: `https://civitai.com/images/${id.charCodeAt(0)}` }, image)
      writeFileSync(join(loras, 'recipes/a.original.png'), 'untouched')
    }
  })
  const before = treeOf(join(run.roots.loras, 'recipes'))
  const one = (await run.call('DELETE', '/api/lm/recipe/a')).json
  t.match(one, { success: true, batch_id: /^[0-9a-f]{32}$/ })
  t.notOk(existsSync(join(run.roots.loras, 'recipes/a.original.png')))
  t.strictSame([await ids(run, 'search=title'), shelf(run).byImageId('97')], [['b', 'c'], []])
  const many = (await run.post('/api/lm/recipes/bulk-delete', { recipe_ids: ['b', 'none', 'c'] })).json
  t.match(many, { success: true, deleted: ['b', 'c'], failed: [{ id: 'none' }], total_deleted: 2, total_failed: 1 })
  t.match((await run.post('/api/lm/undo-delete', { batch_id: many.batch_id })).json, { success: true, kind: 'recipe' })
  const undone = (await run.post('/api/lm/undo-delete', { batch_id: one.batch_id })).json
  t.ok((undone.restored as string[]).includes(join(run.roots.loras, 'recipes/a.webp')))
  t.strictSame([(await ids(run, 'search=title')).sort(), shelf(run).byImageId('97')], [['a', 'b', 'c'], ['a']])
  t.strictSame(treeOf(join(run.roots.loras, 'recipes')), before)
  t.equal((await run.post('/api/lm/undo-delete', { batch_id: one.batch_id })).status, 404)
  t.equal((await run.call('DELETE', '/api/lm/recipe/none')).status, 404)
  t.equal((await run.post('/api/lm/recipes/bulk-delete', { recipe_ids: [] })).status, 400)
  const again = (await run.call('DELETE', '/api/lm/recipe/b')).json
  putRecipe(join(run.roots.loras, 'recipes'), 'b', { title: 'another' })
  t.equal((await run.post('/api/lm/undo-delete', { batch_id: again.batch_id })).status, 404, 'its place is taken')
  t.match(run.events.map(({ type }) => type), ['recipe.deleted', 'recipes.changed'])
})

t.test('recipes that another program laid aside come back, into the recipe directory alone', async (t) => {
  const image = await webp()
  const [good, foreign, late] = ['a', 'b', 'c'].map((digit) => digit.repeat(32))
  const run = await runningApp(t, {
    prepare ({ loras }, directory) {
      putRecipe(join(loras, 'recipes'), 'kept', {}, image)
      for (const [batch, home, seconds] of [[good, join(loras, 'recipes/deep'), 20], [foreign, join(directory, 'outside'), 20], [late, join(loras, 'recipes/late'), -60]] as const) {
        const staging = join(directory, 'settings/.lm-pending-delete', String(batch))
        const json = putRecipe(staging, 'gone', { title: 'Gone' }, image)
        const names = ['gone.recipe.json', 'gone.webp']
        writeFileSync(join(staging, 'manifest.json'), JSON.stringify({ batch_id: batch, kind: 'recipe', model_type: null, state: 'staged', expires_at: Date.now() / 1000 + seconds, entries: names.map((name) => ({ staged: join(json, '..', name), original: join(home, name), restored: false })), model_snapshot: null, recipe_snapshot: {} }))
      }
    }
  })
  const undo = async (id: string | undefined) => await run.post('/api/lm/undo-delete', { batch_id: id })
  const before = treeOf(run.directory, 'loras')
  t.match(await undo(late), { status: 404, json: { error: /expired/ } })
  t.equal((await undo(foreign)).status, 400)
  t.strictSame([treeOf(run.directory, 'loras'), existsSync(join(run.directory, 'outside'))], [before, false])
  t.match(await undo(good), { status: 200, json: { kind: 'recipe', restored: [join(run.roots.loras, 'recipes/deep/gone.recipe.json'), join(run.roots.loras, 'recipes/deep/gone.webp')] } })
  t.match(await items(run, 'search=gone'), [{ id: 'gone', folder: 'deep', file_path: join(run.roots.loras, 'recipes/deep/gone.webp') }])
  t.equal((await undo(good)).status, 404)
})

t.test('recipes move within their directory and never out of it', async (t) => {
  const image = await webp()
  const run = await runningApp(t, {
    prepare ({ loras }, directory) {
      putRecipe(join(loras, 'recipes'), 'a', {}, image)
      putRecipe(join(loras, 'recipes'), 'b', {}, image)
      mkdirSync(join(directory, 'outside'))
    }
  })
  const root = join(run.roots.loras, 'recipes')
  const moved = (await run.post('/api/lm/recipe/move', { recipe_id: 'a', target_path: 'x/y' })).json
  t.strictSame(moved, { success: true, recipe_id: 'a', original_file_path: join(root, 'a.webp'), new_file_path: join(root, 'x/y/a.webp'), json_path: join(root, 'x/y/a.recipe.json'), folder: 'x/y' })
  t.match(JSON.parse(readFileSync(join(root, 'x/y/a.recipe.json'), 'utf8')), { file_path: join(root, 'x/y/a.webp'), folder: 'x/y' })
  t.strictSame(await ids(run, 'folder=x'), ['a'])
  t.match((await run.post('/api/lm/recipe/move', { recipe_id: 'a', target_path: join(root, 'x/y') })).json, { success: true, message: /already/, new_file_path: join(root, 'x/y/a.webp') })
  const before = treeOf(run.directory)
  for (const target of ['..', '../../outside', join(run.directory, 'outside'), '/', '.hidden', '']) t.equal((await run.post('/api/lm/recipe/move', { recipe_id: 'a', target_path: target })).status, 400, target)
  t.equal((await run.post('/api/lm/recipe/move', { recipe_id: 'none', target_path: 'x' })).status, 404)
  writeFileSync(join(root, 'x/y/b.webp'), 'in the way')
  const bulk = (await run.post('/api/lm/recipes/move-bulk', { recipe_ids: ['b', 'none'], target_path: 'x/y' })).json
  t.match(bulk, { success: true, success_count: 0, failure_count: 2 })
  rmSync(join(root, 'x/y/b.webp'))
  t.strictSame(treeOf(run.directory), before, 'what is in the way stays, and so does the recipe')
  t.match((await run.post('/api/lm/recipes/move-bulk', { recipe_ids: ['a', 'b'], target_path: 'z' })).json, { success_count: 2, results: [{ success: true, folder: 'z' }, { success: true }] })
})

t.test('a LoRA is connected anew with the one that is meant, or not at all', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras, checkpoints }) {
      putModel(join(loras, 'one'), 'same', { base_model: 'SDXL 1.0' })
      putModel(join(loras, 'two'), 'same', { base_model: 'SDXL 1.0', size: 1 })
      putModel(loras, 'flux', { base_model: 'Flux.1 D' })
      putModel(loras, 'fits', { base_model: 'SDXL 1.0', model_name: 'Fits', civitai: { id: 7, modelId: 1, name: 'v7', model: { name: 'Fits well' } } })
      putRecipe(join(loras, 'recipes'), 'r', { loras: [loraEntry({ file_name: 'same' }), loraEntry({ isDeleted: true, exclude: true, strength: 0.7 })] })
      putModel(checkpoints, 'base', { civitai: { id: 31, modelId: 30, name: 'v1' } })
      putRecipe(join(loras, 'recipes'), 'other', { checkpoint: { modelId: 30, modelVersionId: 32, hash: 'ee'.repeat(32) }, loras: [loraEntry({ hash: 'ff'.repeat(32), modelId: 1 }), loraEntry({ modelVersionId: 7, modelId: 1 })] })
      putRecipe(join(loras, 'recipes'), 'twin', { loras: [loraEntry({ hash: hash('fits'), strength: 0.7 })] })
    }
  })
  const relatives = { inLibrary: false, localPath: null, sameModelLocal: [{ modelVersionId: 7, version: 'v7', file_name: 'fits' }] }
  for (const shown of [(await items(run, 'search=other'))[0] ?? {}, (await run.get('/api/lm/recipe/other')).json]) {
    t.match(shown.loras, [relatives, { inLibrary: true, sameModelLocal: undefined }])
    t.match(shown.checkpoint, { inLibrary: false, sameModelLocal: [{ modelVersionId: 31, version: 'v1', file_name: 'base' }] }, 'another version of the same model is offered, and bound to by nobody')
  }
  t.match(((await items(run, 'search=r'))[0]?.loras as Json[])[0]?.ambiguous, [/same/, /same/], 'a name that two bear binds nothing')
  const connect = async (body: Json) => await run.post('/api/lm/recipe/lora/reconnect', { recipe_id: 'r', lora_index: 1, ...body })
  for (const [body, status] of [
    [{ target_name: 'same' }, 400], [{ target_name: 'flux' }, 400], [{ target_name: 'nothing' }, 404], [{ target_name: 'fits', lora_index: 9 }, 404],
    [{ target_name: 'fits', lora_index: -1 }, 400], [{ target_name: 'fits', recipe_id: 'none' }, 404], [{}, 400], [{ target_name: 'fits', lora_index: 'x' }, 400]
  ] as const) t.equal((await connect(body)).status, status, JSON.stringify(body))
  const done = (await connect({ target_name: 'fits.safetensors', lora_index: '1' })).json
  t.match(done, { success: true, updated_lora: { file_name: 'fits', hash: hash('fits'), modelVersionId: 7, modelName: 'Fits well', modelVersionName: 'v7', isDeleted: false, exclude: false, strength: 0.7, inLibrary: true }, matching_recipes: [{ id: 'twin' }] })
  const { fingerprint, modified } = JSON.parse(readFileSync(join(run.roots.loras, 'recipes/r.recipe.json'), 'utf8')) as Json
  t.equal(fingerprint, `${hash('fits')}:0.7`)
  t.ok(Number(modified) > 1_700_000_001)
  t.match((await connect({ target_name: 'two/same', lora_index: 0 })).json, { updated_lora: { file_name: 'two/same' } })
})

t.test('a shared recipe can be downloaded with everything inside', async (t) => {
  const run = await runningApp(t, {
    prepare: async ({ loras }) => {
      putRecipe(join(loras, 'recipes'), 'r', { title: 'My Recipe!' }, Buffer.from('RIFFxxxx'))
      putRecipe(join(loras, 'recipes'), 'bare', {})
    }
  })
  writeFileSync(join(run.roots.loras, 'recipes/r.webp'), await webp())
  const shared = (await run.get('/api/lm/recipe/r/share')).json
  t.match(shared, { success: true, download_url: /^\/api\/lm\/recipe\/r\/share\/download\?t=\d+$/, filename: 'recipe_my_recipe.webp' })
  const download = await run.app.inject({ url: String(shared.download_url) })
  t.match(download.headers, { 'content-disposition': 'attachment; filename="recipe_my_recipe.webp"', 'content-type': 'image/webp', 'cache-control': 'no-store' })
  t.match((await readEmbeddedTexts(download.rawPayload)).parameters, /Recipe metadata: \{"title": "My Recipe!"/)
  t.match(JSON.parse((await run.app.inject({ url: '/api/lm/recipe/r/share/download?format=json' })).body), { id: 'r' })
  for (const url of ['/api/lm/recipe/none/share', '/api/lm/recipe/bare/share', '/api/lm/recipe/bare/share/download']) t.equal((await run.get(url)).status, 404, url)
  t.strictSame((await run.call('POST', '/api/lm/recipe/r/send-workflow')).json.error, 'Standalone Mode Active')
  t.equal((await run.post('/api/lm/recipe/none/send-workflow')).status, 404)
})

t.test('a recipe is added whole or not at all', async (t) => {
  const run = await runningApp(t)
  const image = embedTexts(await webp(), { parameters: 'p', prompt: null, workflow: '{"nodes":[]}' }) ?? Buffer.alloc(0)
  const saved = await shelf(run).add({ document: { title: 'Näme', loras: [loraEntry({ hash: 'aa' })], checkpoint: undefined, tags: [] }, image: { data: image, extension: '.webp' }, original: { data: Buffer.from('o'), extension: 'png' }, folder: 'in/here' }, { route: 'test' })
  t.match(saved.document, { title: 'Näme', folder: 'in/here', fingerprint: 'aa:1.0', has_workflow: true, created_date: Number, id: /^[0-9a-f-]{36}$/ })
  t.match(Object.keys(JSON.parse(readFileSync(saved.jsonPath, 'utf8'))).slice(0, 3), ['id', 'file_path', 'title'])
  t.match((await readEmbeddedTexts(readFileSync(saved.imagePath))).parameters, /^p \n Recipe metadata: /)
  const again = await shelf(run).add({ document: { title: 'Twin', loras: [loraEntry({ hash: 'AA' })] }, image: { data: image, extension: '.webp' } }, { route: 'test' })
  t.match(again.matches, [{ id: saved.document.id, lora_count: 1 }])
  const before = treeOf(join(run.roots.loras, 'recipes'))
  await t.rejects(shelf(run).add({ document: { title: 'x' }, image: { data: image, extension: '../x' } }, { route: 'test' }), { name: 'DomainError' })
  await t.rejects(shelf(run).add({ document: { title: 'x' }, image: { file: '/nowhere', extension: '.mp4' }, folder: 'fresh/deep' }, { route: 'test' }))
  await t.rejects(shelf(run).add({ document: { title: 'x' }, image: { data: image, extension: '.webp' }, folder: '../..' }, { route: 'test' }), { code: 'path-outside-library' })
  await t.rejects(shelf(run).add({ document: { title: 'x' }, image: { data: image, extension: '.webp' } }, { route: 'test', id: 'a/b' }), { name: 'DomainError' })
  t.strictSame(treeOf(join(run.roots.loras, 'recipes')), before)
  const replaced = await shelf(run).replace(saved.document.id, { document: { title: 'Better', loras: [] }, image: { data: await webp('#ff0000'), extension: '.webp' } }, { route: 'test' })
  t.match(replaced.document, { id: saved.document.id, title: 'Better', folder: 'in/here', created_date: saved.document.created_date })
  t.equal((await run.post(`/api/v1/operations/${replaced.operation}/undo`)).status, 200)
  t.equal(shelf(run).get(saved.document.id)?.document.title, 'Näme')
  t.equal((await run.post(`/api/v1/operations/${saved.operation}/undo`)).status, 200)
  t.notOk(shelf(run).has(saved.document.id))
})

t.test('rows answer at once after a restart, and the disk decides in the end', async (t) => {
  const image = await webp()
  const first = await runningApp(t, { prepare ({ loras }) { for (let n = 0; n < 24; n++) putRecipe(join(loras, 'recipes'), `r${n}`, { title: `t${n}` }, image) } })
  const root = join(first.roots.loras, 'recipes')
  rmSync(join(root, 'r0.recipe.json'))
  const path = putRecipe(root, 'r1', { title: 'changed' })
  utimesSync(path, 1_800_000_000, 1_800_000_000)
  putRecipe(root, 'fresh', {})
  mkdirSync(join(root, 'by hand'))
  for (const ending of ['webp', 'recipe.json']) renameSync(join(root, `r2.${ending}`), join(root, 'by hand', `r2.${ending}`))
  const run = await first.restart()
  t.equal((await ids(run)).length, 24)
  t.match(await items(run, 'search=changed'), [{ id: 'r1' }])
  t.match(await items(run, 'search=t2&search_title=true&sort_by=name'), [{ id: 'r2', folder: 'by hand', file_path: join(root, 'by hand/r2.webp') }])

  renameSync(root, `${root}-away`)
  mkdirSync(root)
  const away = await run.get('/api/lm/recipes/scan')
  t.equal(away.status, 503, 'a directory that is empty all at once is away')
  t.equal((await ids(run)).length, 24)
  t.equal((await run.call('PUT', '/api/lm/recipe/r1/update', { title: 'x' })).status, 503)
  t.equal((await run.call('DELETE', '/api/lm/recipe/r1')).status, 503)
  rmSync(root, { recursive: true })
  renameSync(`${root}-away`, root)
  t.equal((await run.get('/api/lm/recipes/scan?full_rebuild=true')).status, 200)
  t.equal((await ids(run)).length, 24)
  t.equal((await run.call('PUT', '/api/lm/recipe/r1/update', { title: 'x' })).status, 200)

  const recipeRoot = async (): Promise<Json> => ((await run.get('/api/v1/library/roots')).json.items as Json[]).find(({ type }) => type === 'recipe') ?? {}
  t.match(await recipeRoot(), { path: root, folder_key: 'recipes_path', state: 'online', recipes: 24, models: 0 })
  for (let n = 3; n < 24; n++) rmSync(join(root, `r${n}.recipe.json`))
  const { id } = await recipeRoot()
  t.match((await run.post(`/api/v1/library/roots/${String(id)}/reconcile`)).json, { root: { type: 'recipe' }, job: { kind: 'scan-recipes' } })
  t.equal((await run.get('/api/lm/recipes/scan')).status, 503, 'a directory that lost most of its recipes is suspected')
  t.match(await recipeRoot(), { state: 'suspect', reason: /3 of 24/, recipes: 24 })
  t.match((await run.post(`/api/v1/library/roots/${String(id)}/accept`)).json, { type: 'recipe', state: 'online', recipes: 3 })
  t.strictSame((await ids(run)).sort(), ['fresh', 'r1', 'r2'])
  t.equal((await run.call('PUT', '/api/lm/recipe/r1/update', { title: 'y' })).status, 200)
})

t.test('what other programs write is there by itself', async (t) => {
  const run = await runningApp(t, { settings: { watch_folders: true }, prepare: ({ loras }) => { putRecipe(join(loras, 'recipes'), 'a', {}) } })
  putRecipe(join(run.roots.loras, 'recipes'), 'b', { title: 'from a node' })
  for (const end = Date.now() + 15_000; Date.now() < end && !shelf(run).has('b');) await delay(50)
  t.ok(shelf(run).has('b'))
  symlinkSync(run.roots.checkpoints, join(run.roots.loras, 'recipes/linked'))
  putRecipe(run.roots.checkpoints, 'c', {})
  await run.get('/api/lm/recipes/scan')
  t.equal(shelf(run).get('c')?.folder, 'linked', 'a folder behind a link is part of the directory')
})

t.test('another recipes_path takes all recipes along, or none', async (t) => {
  const image = await webp()
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'ink', {})
      putRecipe(join(loras, 'recipes/deep'), 'a', { loras: [loraEntry({ hash: hash('ink'), file_name: 'ink' })] }, image)
      putRecipe(join(loras, 'recipes'), 'b', {}, image)
      writeFileSync(join(loras, 'recipes/notes.txt'), 'mine')
    }
  })
  const [from, to] = [join(run.roots.loras, 'recipes'), join(run.directory, 'elsewhere/recipes')]
  mkdirSync(to, { recursive: true })
  writeFileSync(join(to, 'notes.txt'), 'there already')
  const before = treeOf(run.directory)
  t.match((await run.post('/api/lm/settings', { recipes_path: to })).json, { success: false, error: /notes\.txt/ })
  t.strictSame(treeOf(run.directory), before)
  rmSync(join(to, 'notes.txt'))
  t.strictSame((await run.post('/api/lm/settings', { recipes_path: to })).json, { success: true })
  await run.idle()
  t.notOk(existsSync(from))
  t.equal(readFileSync(join(to, 'notes.txt'), 'utf8'), 'mine')
  const fresh = join(run.directory, 'made/for/it')
  t.strictSame((await run.post('/api/lm/settings', { recipes_path: fresh })).json, { success: true }, 'a folder that is not there yet is made')
  await run.idle()
  t.ok(existsSync(join(fresh, 'deep/a.webp')))
  t.strictSame((await run.post('/api/lm/settings', { recipes_path: to })).json, { success: true })
  await run.idle()
  t.match(await items(run, 'sort_by=name'), [{ id: 'a', folder: 'deep', file_path: join(to, 'deep/a.webp') }, { id: 'b', file_path: join(to, 'b.webp') }])
  t.equal(JSON.parse(readFileSync(join(to, 'deep/a.recipe.json'), 'utf8')).file_path, join(to, 'deep/a.webp'))

  await run.post('/api/lm/loras/rename', { file_path: join(run.roots.loras, 'ink.safetensors'), new_file_name: 'quill' })
  const path = join(to, 'deep/a.recipe.json')
  for (const end = Date.now() + 15_000; Date.now() < end && !readFileSync(path, 'utf8').includes('quill');) await delay(20)
  t.match(JSON.parse(readFileSync(path, 'utf8')).loras, [{ file_name: 'quill', hash: hash('ink') }], 'a renamed LoRA is called by its new name')
})

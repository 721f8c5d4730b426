import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import t from 'tap'
import { ListEnvelope } from '../../../routes/models/schemas.ts'
import { modelTypes } from '../../../services/models/types.ts'
import type { ListQuery } from '../../../services/models/ports.ts'
import { indexedModel, modelApp } from '../../helpers/model-app.ts'

const prefixes = modelTypes.map(({ prefix }) => prefix)

t.test('every query route of every type answers its envelope', async (t) => {
  const roots = { loras: ['/m/loras'], checkpoints: ['/m/ckpt'], unet: ['/m/unet'], embeddings: ['/m/emb'] }
  const libraries = Object.fromEntries(prefixes.map((prefix) => [prefix, { roots, models: [indexedModel({ file_path: '/m/x/a.safetensors', notes: 'n', civitai: { id: 2, modelId: 1 } })] }]))
  const { app } = await modelApp(t, { libraries })
  const expected: Record<string, object> = {
    'top-tags': { success: true, tags: [{ tag: 'anime', count: 2 }] },
    'search-tags?q=an': { success: true, tags: [{ tag: 'anime', count: 2 }] },
    'base-models?limit=0': { success: true, base_models: [{ name: 'SD 1.5', count: 1 }] },
    'model-types': { success: true, model_types: [{ type: 'lora', count: 1 }] },
    folders: { success: true, folders: ['', 'a'] },
    'unified-folder-tree': { success: true, tree: { a: {}, b: {} } },
    'relative-paths?search=a': { success: true, relative_paths: ['a/b.safetensors'] },
    'find-duplicates': { success: true, duplicates: [], count: 0 },
    'find-filename-conflicts': { success: true, conflicts: [], count: 0 },
    'get-notes?name=a': { success: true, notes: 'n', file_path: '/m/x/a.safetensors' },
    'preview-url?name=a': { success: true, preview_url: '/loras_static/images/no-preview.png' },
    'civitai-url?name=a': { success: true, civitai_url: 'https://civitai.com/models/1?modelVersionId=2', model_id: '1', version_id: '2' },
    scan: { success: true, status: 'success', message: 'done' },
    'reload?rebuild=true': { success: true, status: 'success', message: 'done' }
  }
  for (const prefix of prefixes) {
    for (const [path, body] of Object.entries(expected)) {
      const reply = await app.inject(`/api/lm/${prefix}/${path}`)
      t.equal(reply.statusCode, 200, `${prefix}/${path}`)
      t.match(reply.headers['content-type'], /^application\/json/, `${prefix}/${path}`)
      t.same(reply.json(), body, `${prefix}/${path}`)
    }
    for (const path of ['list', 'excluded']) {
      const reply = await app.inject(`/api/lm/${prefix}/${path}?page_size=500&unknown=1`)
      t.equal(reply.headers['content-type'], 'application/json; charset=utf-8')
      t.ok(Value.Check(ListEnvelope, reply.json()), `${prefix}/${path} fits its schema`)
      t.equal(reply.json().page_size, 100)
    }
    t.match((await app.inject({ method: 'POST', url: `/api/lm/${prefix}/cancel-task` })).json(), { success: true, status: 'success', message: String })
    t.match((await app.inject({ method: 'POST', url: `/api/lm/${prefix}/reload` })).json(), { success: true, status: 'success' })
  }
  const own = async (path: string) => (await app.inject(`/api/lm/${path}`)).json()
  t.same((await own('checkpoints/roots')).roots, ['/m/ckpt', '/m/unet'])
  t.same(await own('checkpoints/checkpoints_roots'), { success: true, roots: ['/m/ckpt'] })
  t.same(await own('checkpoints/unet_roots'), { success: true, roots: ['/m/unet'] })
  t.same((await own('loras/folder-tree?model_root=/m/loras/')).tree, { a: {} }, 'a trailing slash is tolerated')
  t.same((await own('loras/folder-tree?model_root=/m/lora')).tree, {}, 'an unknown root has no folders')
  t.same(await own('loras/letter-counts'), { success: true, letter_counts: { A: 1 } })
})

t.test('missing parameters and bad integers are 400, unknown names 404, all as JSON', async (t) => {
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: ['/m/loras'] }, models: [indexedModel({ file_path: '/m/loras/plain.safetensors' })] } } })
  const cases: [number, string][] = [
    ...['list?page=abc', 'list?page_size=1.5', 'excluded?page=x', 'top-tags?limit=abc', 'search-tags?limit=', 'base-models?limit=x', 'model-types?limit=0x1', 'relative-paths?limit=a', 'relative-paths?offset=b',
      'folder-tree', 'folder-tree?model_root=', 'get-notes', 'get-notes?name=%20', 'preview-url', 'civitai-url', 'metadata', 'model-description', 'metadata?file_path=/etc/passwd', 'model-description?file_path=/m/loras/../x',
      'metadata?file_path=relative', 'get-trigger-words', 'usage-tips-by-path'].map((path): [number, string] => [400, path]),
    ...['get-notes?name=nope', 'civitai-url?name=nope', 'civitai-url?name=plain', 'metadata?file_path=/m/loras/none.safetensors', 'model-description?file_path=/m/loras/none.safetensors', 'nope'].map((path): [number, string] => [404, path])
  ]
  for (const [status, path] of cases) {
    const reply = await app.inject(`/api/lm/loras/${path}`)
    t.equal(reply.statusCode, status, path)
    t.match(reply.json(), { success: false, error: /./ }, path)
  }
  t.equal((await app.inject('/api/lm/checkpoints/loader-pool?sub_type=lora')).statusCode, 400)
})

t.test('a type that is not opened answers 503 on each of its routes, others go on', async (t) => {
  const { app } = await modelApp(t, { libraries: { loras: { library: { opened: false } } } })
  const gone = ['/loras', '/api/lm/loras/list', '/api/lm/loras/list?page=abc', '/api/lm/loras/letter-counts', '/api/lm/loras/metadata', '/api/lm/loras/scan']
  for (const url of gone) {
    const reply = await app.inject(url)
    t.equal(reply.statusCode, 503, url)
    t.match(reply.json(), { success: false, error: 'Service not ready' }, url)
  }
  t.equal((await app.inject({ method: 'POST', url: '/api/lm/loras/random-sample', payload: { count: 'x' } })).statusCode, 503)
  t.equal((await app.inject('/api/lm/checkpoints/list')).statusCode, 200)
  t.match((await app.inject('/api/lm/init-status')).json(), { success: true, status: 'processing' })
  t.match((await app.inject('/api/lm/init-status?pageType=embeddings')).json(), { success: true, status: 'complete', stage: 'finalizing', progress: 100, details: String, pageType: 'embeddings' })
})

t.test('the first scan is told from its last frame', async (t) => {
  const frame = { stage: 'process_models', progress: 42, details: 'Processing model files: 42/100', scanner_type: 'lora', pageType: 'loras' }
  const hub = { broadcast () {}, snapshot: (_channel: string, key: string) => key === 'loras' ? frame : undefined }
  const { app } = await modelApp(t, { libraries: { loras: { library: { initializing: true } } }, core: { hub: hub as never } })
  t.same((await app.inject('/api/lm/init-status')).json(), { success: true, status: 'processing', stage: 'process_models', progress: 42, details: frame.details })
})

t.test('the sidecar answers metadata and description, and the model is compared with its files', async (t) => {
  const refreshed: string[] = []
  const document: Record<string, unknown> = { modelDescription: '', civitai: { id: 1, secret: 'x', images: [], model: { description: '<p>d</p>' } } }
  const library = { sidecar: (path: string) => path.endsWith('a.safetensors') ? document : undefined, refresh: async (path: string) => { refreshed.push(path); return undefined } }
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: ['/m'] }, library } } })
  t.same((await app.inject('/api/lm/loras/metadata?file_path=/m//x/../a.safetensors')).json(), { success: true, metadata: { id: 1, model: { description: '<p>d</p>' }, images: [] } })
  t.same(refreshed, ['/m/a.safetensors'])
  t.same((await app.inject('/api/lm/loras/model-description?file_path=/m/a.safetensors')).json(), { success: true, description: '<p>d</p>' })
  document.modelDescription = '<b>own</b>'
  t.same((await app.inject('/api/lm/loras/model-description?file_path=/m/a.safetensors')).json(), { success: true, description: '<b>own</b>' })
  document.civitai = null
  t.same((await app.inject('/api/lm/loras/metadata?file_path=/m/a.safetensors')).json(), { success: true, metadata: {} })
})

t.test('preview addresses come from the first namesake that has one, with licence facts on request', async (t) => {
  const models = [indexedModel({ id: 1, file_path: '/m/a.safetensors' }), indexedModel({ id: 2, file_path: '/m/x/a.safetensors', preview_url: "/m/x/a'(1)!.png", license_flags: 5, civitai: { model: { type: 'LORA' } } })]
  const { app } = await modelApp(t, { libraries: { loras: { models } }, settings: { use_new_license_icons: false, civitai_host: 'civitai.red' } })
  t.same((await app.inject('/api/lm/loras/preview-url?name=a&name=b&license_flags=yes')).json(),
    { success: true, preview_url: '/api/lm/previews?path=%2Fm%2Fx%2Fa%27%281%29%21.png', license_flags: 5, use_new_license_icons: false })
})

t.test('a model is told in full by name, also with an encoded folder, without what is ours alone', async (t) => {
  const model = indexedModel({ file_path: '/m/x/a.safetensors', folder: 'x' })
  const { app } = await modelApp(t, { libraries: { checkpoints: { models: [model] }, embeddings: { models: [model] } } })
  const { id, type, root_id: root, preview_version: version, metadata_error: error, other_hashes: hashes, ...entry } = model
  for (const url of ['checkpoints/info/a', 'checkpoints/info/x%2Fa', 'embeddings/info/a']) t.same((await app.inject(`/api/lm/${url}`)).json(), entry, url)
  t.match((await app.inject('/api/lm/checkpoints/info/nope')).json(), { success: false, error: String })
  t.equal((await app.inject('/api/lm/loras/info/a')).statusCode, 404, 'LoRAs have no such route')
  t.equal((await app.inject(`/api/lm/checkpoints/info/${'x'.repeat(600)}`)).statusCode, 404)
})

t.test('the loader pool leaves out other sub-types and absent disks', async (t) => {
  const at = (id: number, rootId: string, path: string, sub: string) => indexedModel({ id, root_id: rootId, file_path: path, sub_type: sub })
  const models = [at(1, 'checkpoints:/c', '/c/b/z.safetensors', 'checkpoint'), at(2, 'checkpoints:/c', '/c/a.ckpt', 'checkpoint'), at(3, 'unet:/u', '/u/d.gguf', 'diffusion_model'), at(4, 'checkpoints:/gone', '/gone/e.ckpt', 'checkpoint')]
  const { app, core } = await modelApp(t, { libraries: { checkpoints: { roots: { checkpoints: ['/c', '/gone'], unet: ['/u'] }, models } } })
  const library = core.models.checkpoints
  const statuses = library.rootStatus().map((status) => status.path === '/gone' ? { ...status, state: 'offline' as const } : status)
  library.rootStatus = () => statuses
  const pool = async (query: string) => (await app.inject(`/api/lm/checkpoints/loader-pool${query}`)).json().items
  t.same(await pool(''), [{ name: 'a.ckpt', base_model: 'SD 1.5' }, { name: join('b', 'z.safetensors'), base_model: 'SD 1.5' }])
  t.same(await pool('?sub_type=diffusion_model'), [{ name: 'd.gguf', base_model: 'SD 1.5' }])
})

t.test('trigger words are answered and sent to the nodes of a graph', async (t) => {
  const models = [indexedModel({ id: 1, file_path: '/m/a.safetensors', civitai: { trainedWords: ['x', 'y'] } }), indexedModel({ id: 2, file_path: '/m/b.safetensors', civitai: { trainedWords: ['z'] } })]
  const { app, broadcasts } = await modelApp(t, { libraries: { loras: { models } } })
  t.same((await app.inject('/api/lm/loras/get-trigger-words?name=a')).json(), { success: true, trigger_words: ['x', 'y'] })
  t.same((await app.inject('/api/lm/loras/get-trigger-words?name=nope')).json(), { success: true, trigger_words: [] })
  const post = (payload: object) => app.inject({ method: 'POST', url: '/api/lm/loras/get_trigger_words', payload })
  const reply = await post({ lora_names: ['a', 'nope', 'b'], node_ids: [3, '4', 'sub', { node_id: '5', graph_id: 7 }] })
  t.same(reply.json(), { success: true, trigger_words_text: 'x,, y,, z' })
  const message = 'x,, y,, z'
  t.same(broadcasts, [{ id: 3, message }, { id: 4, message }, { id: 'sub', message }, { id: 5, message, graph_id: '7' }].map((frame) => ({ channel: 'fetch', frame: { type: 'trigger_word_update', ...frame } })))
  t.equal((await post({ lora_names: 'a' })).statusCode, 400)
  t.same((await post({})).json(), { success: true, trigger_words_text: '' })
})

t.test('random samples honour their bounds and refuse nonsense', async (t) => {
  const models = Array.from({ length: 10 }, (_, at) => indexedModel({ id: at + 1, file_path: `/m/f/l${at}.safetensors`, folder: 'f', usage_tips: '{"strength":0.8,"clip_strength":0.4}' }))
  const { app } = await modelApp(t, { libraries: { loras: { models } } })
  const sample = async (payload: object) => await app.inject({ method: 'POST', url: '/api/lm/loras/random-sample', payload })
  const drawn = (await sample({ count: 3, model_strength_min: 0.5, model_strength_max: 0.7 })).json()
  t.match(drawn, { success: true, count: 3 })
  t.equal(new Set(drawn.loras.map((lora: { name: string }) => lora.name)).size, 3)
  for (const lora of drawn.loras) {
    t.match(lora, { name: /^f\/l\d$/, active: true, locked: false, expanded: false })
    t.ok(lora.strength >= 0.5 && lora.strength <= 0.7 && lora.clipStrength === lora.strength)
  }
  t.equal((await sample({ count: 50 })).json().count, 10, 'a small pool is no failure')
  const locked = [{ name: 'f/l1', strength: 2, locked: true }, { name: 'l2', strength: 1, locked: true }]
  const withLocked = (await sample({ count: 10, locked_loras: locked })).json().loras
  t.same(withLocked.slice(-2), locked, 'locked ones come last, as they are')
  t.notOk(withLocked.slice(0, -2).some((lora: { name: string }) => /l[12]$/.test(lora.name)), 'and are not drawn again')
  t.same((await sample({ count: 1, locked_loras: locked })).json().loras, locked.slice(0, 1))
  const noted = (await sample({ count: 1, use_recommended_strength: true, recommended_strength_scale_min: 1, recommended_strength_scale_max: 1, use_same_clip_strength: false })).json().loras[0]
  t.match(noted, { strength: 0.8, clipStrength: 0.4, expanded: true })
  for (const bad of [{ count: 0 }, { count: 101 }, { count: '3' }, { count_min: 5, count_max: 2 }, { model_strength_min: -11 }, { model_strength_max: 11 }, { clip_strength_max: 10.5 }, { pool_config: { tags: 'x' } }]) {
    t.equal((await sample(bad)).statusCode, 400, JSON.stringify(bad))
  }
  t.equal((await app.inject({ method: 'POST', url: '/api/lm/loras/random-sample', payload: '{bad', headers: { 'content-type': 'application/json' } })).statusCode, 400)
})

t.test('a pool restricts what is cycled through, in the order asked for', async (t) => {
  const seen: ListQuery[] = []
  const models = [indexedModel({ id: 1, file_path: '/m/B.safetensors', model_name: 'one' }), indexedModel({ id: 2, file_path: '/m/f/a.safetensors', folder: 'f', model_name: 'Two' }), indexedModel({ id: 3, file_path: '/m/c.safetensors', model_name: 'three' })]
  const select = (query: ListQuery) => { seen.push(query); return Uint32Array.of(3, 2, 1) }
  const { app } = await modelApp(t, { libraries: { loras: { models, index: { select } } } })
  const cycle = async (payload: object) => (await app.inject({ method: 'POST', url: '/api/lm/loras/cycler-list', payload })).json()
  t.same(await cycle({}), { success: true, loras: [{ file_name: 'f/a', model_name: 'Two', folder: 'f' }, { file_name: 'B', model_name: 'one', folder: '' }, { file_name: 'c', model_name: 'three', folder: '' }], count: 3 })
  t.same((await cycle({ sort_by: 'model_name' })).loras.map((lora: { model_name: string }) => lora.model_name), ['one', 'three', 'Two'])
  await cycle({ pool_config: { baseModels: ['Pony'], tags: { include: ['x'], exclude: ['y'] }, folders: { include: ['f'] }, license: { noCreditRequired: true, allowSelling: false }, namePatterns: { include: ['a+'], useRegex: true } } })
  t.match(seen.at(-1), { baseModels: ['Pony'], tagInclude: ['x'], tagExclude: ['y'], folderInclude: ['f'], folderExclude: [], creditRequired: false, namePatternInclude: ['a+'], namePatternUseRegex: true })
  t.notOk(Object.hasOwn(seen.at(-1) ?? {}, 'allowSelling'), 'a licence flag restricts only when it is true')
})

t.test('a scan passes on what was asked, and tells clients that models changed even when it fails', async (t) => {
  const asked: unknown[] = []
  const { app, broadcasts } = await modelApp(t, { libraries: { loras: { library: { reconcile: async (options) => { asked.push(options); throw new Error('boom') } } } } })
  t.equal((await app.inject('/api/lm/loras/scan?full_rebuild=TRUE')).statusCode, 500)
  t.equal((await app.inject('/api/lm/loras/scan?full_rebuild=1')).statusCode, 500)
  t.same(asked, [{ full: true }, { full: false }])
  t.same(broadcasts.map(({ frame }) => frame), [{ type: 'models_changed' }, { type: 'models_changed' }])
})

t.test('files beside a model: trained words from its header, examples by number', async (t) => {
  const header = JSON.stringify({ __metadata__: { ss_tag_frequency: JSON.stringify({ a: { cat: 2, dog: 5 }, b: { cat: 9 } }), ss_datasets: JSON.stringify([{ subsets: [{ class_tokens: 'girl' }] }]) } })
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const dir = t.testdir({ 'm.safetensors': Buffer.concat([length, Buffer.from(header)]), 'broken.safetensors': 'x', 'm.ckpt': '', 'm.example.10.png': '', 'm.example.2.webp': '', 'm.example.x.mp4': '', 'm.example.1.txt': '', 'mm.example.1.png': '' })
  await symlink(join(dir, 'm.safetensors'), join(dir, 'link.safetensors'))
  const { app } = await modelApp(t, { libraries: { embeddings: { roots: { embeddings: [dir] } } } })
  const words = async (name: string) => await app.inject(`/api/lm/trained-words?file_path=${encodeURIComponent(join(dir, name))}`)
  for (const name of ['m.safetensors', 'link.safetensors']) t.same((await words(name)).json(), { success: true, trained_words: [['cat', 11], ['dog', 5]], class_tokens: 'girl' })
  t.same((await words('broken.safetensors')).json(), { success: true, trained_words: [], class_tokens: null })
  t.equal((await words('none.safetensors')).statusCode, 404)
  t.equal((await words('m.ckpt')).statusCode, 400)
  t.equal((await words('../x.safetensors')).statusCode, 400)
  t.equal((await app.inject('/api/lm/trained-words')).statusCode, 400)
  const files = async (path: string) => await app.inject(`/api/lm/model-example-files?model_path=${encodeURIComponent(path)}`)
  const found = (await files(join(dir, 'm.safetensors'))).json().files
  t.same(found.map((file: { name: string }) => file.name), ['m.example.2.webp', 'm.example.10.png', 'm.example.x.mp4'])
  t.same(found[2], { name: 'm.example.x.mp4', path: `/api/lm/previews?path=${encodeURIComponent(join(dir, 'm.example.x.mp4'))}`, extension: '.mp4', is_video: true })
  t.equal((await files(join(dir, 'none/m.safetensors'))).statusCode, 404)
  t.equal((await files('/etc/passwd')).statusCode, 400)
})

t.test('base models are known without a network, and a refresh that fails says so', async (t) => {
  const { app } = await modelApp(t, { directory: t.testdir() })
  const { data } = (await app.inject('/api/lm/base-models')).json()
  t.match(data, { source: 'fallback', last_updated: null, remote_count: 0 })
  t.ok(data.models.includes('Flux.1 D') && data.models.length === data.merged_count && data.hardcoded_count === data.merged_count)
  t.match((await app.inject({ method: 'POST', url: '/api/lm/base-models/refresh' })).json(), { success: true, data: { source: 'fallback' }, message: /could not/ })
  t.same(Object.keys((await app.inject('/api/lm/base-models/categories')).json().data), ['Stable Diffusion 1.x', 'Stable Diffusion 2.x', 'Stable Diffusion 3.x', 'SDXL', 'Flux Models', 'Video Models', 'Other Models'])
  t.same((await app.inject('/api/lm/base-models/cache-status')).json(), { success: true, data: { has_cache: false, last_updated: null, is_expired: true, ttl_seconds: 604800, age_seconds: null } })
})

t.test('use cases are decorated in the scope of their stack, not at the root', async (t) => {
  const { app } = await modelApp(t)
  t.notOk(app.hasDecorator('useCases'))
})

t.test('every route is documented, under a name of its own, with its failures', async (t) => {
  const { routes } = await modelApp(t)
  const names = routes.map(({ schema }) => schema?.operationId)
  t.equal(new Set(names).size, routes.length, 'operation ids are unique')
  for (const { method, url, schema } of routes) {
    const where = `${String(method)} ${url}`
    t.match(schema, { operationId: /^[a-z]+[A-Za-z]+$/, summary: /./, tags: [/./] }, where)
    const statuses = Object.keys(schema?.response ?? {})
    t.ok(statuses.some((status) => status.startsWith('2') || status === '302'), `${where} tells its success`)
    if (url.startsWith('/api/')) t.match(schema?.response, { 500: { $ref: 'Failure' } }, where)
  }
  t.same(routes.filter(({ config }) => (config as { changesState?: boolean } | undefined)?.changesState).map(({ method, url }) => `${String(method)} ${url}`),
    prefixes.flatMap((prefix) => [`GET /api/lm/${prefix}/scan`, `GET /api/lm/${prefix}/reload`, `POST /api/lm/${prefix}/reload`, `GET /api/lm/${prefix}/auto-organize`, `GET /api/lm/${prefix}/updates/status/:modelId`, `GET /api/lm/${prefix}/updates/versions/:modelId`]))
})

import { Value } from '@sinclair/typebox/value'
import t from 'tap'
import { Groups, ListEnvelope } from '../../../routes/models/schemas.ts'
import { createModelIndex } from '../../../services/models/index/model-index.ts'
import type { IndexPreferences } from '../../../services/models/ports.ts'
import { modelTypeByName } from '../../../services/models/types.ts'
import { indexedModel, modelApp } from '../../helpers/model-app.ts'

const at = (id: number, path: string, over: Parameters<typeof indexedModel>[0] | object = {}) => {
  const folder = path.split('/').slice(0, -1).join('/')
  return indexedModel({ id, file_path: `/m/loras/${path}`, folder, root_id: 'loras:/m/loras', sha256: String(id).repeat(64).slice(0, 64), ...over })
}

const models = [
  at(1, 'a10.safetensors', { tags: ['anime', 'x'], base_model: 'Pony', usage_tips: '{"strength":1}', license_flags: 113 }),
  at(2, 'a9.safetensors', { tags: ['Anime'], civitai: { id: 11, modelId: 1, name: 'v1', trainedWords: ['w'], model: { type: 'LoCon' } }, preview_url: '/m/loras/a9.png' }),
  at(3, 'f/b.safetensors', { tags: ['y'], favorite: true, sha256: '1'.repeat(64) }),
  at(4, 'f/g/a9.safetensors', { preview_nsfw_level: 16, civitai: { id: 12, modelId: 1 } }),
  at(5, 'f/old.safetensors', { exclude: true })
]

async function setup (settings: Record<string, unknown> = {}) {
  const type = modelTypeByName('lora')
  const preferences = (): IndexPreferences => ({ nameDisplay: 'model_name', sfwOnly: settings.show_only_sfw === true, versionGrouping: 'same_base' })
  const index = createModelIndex({ type, preferences, usage: { version: 0, count: (model) => model.sha256.startsWith('2') ? 7 : 0 }, updates: { version: 0, available: () => false } })
  index.apply({ upsert: models })
  await index.prepare()
  const { app } = await modelApp(t, { settings, libraries: { loras: { roots: { loras: ['/m/loras'] }, library: { index } } } })
  const get = async (path: string) => (await app.inject(`/api/lm/loras/${path}`)).json()
  const names = async (query: string): Promise<string[]> => (await get(`list?${query}`)).items.map((item: { file_path: string }) => item.file_path.slice('/m/loras/'.length))
  return { app, get, names, settings }
}

t.test('lists of the index fit their schema and follow their parameters', async (t) => {
  const { get, names } = await setup()
  const page = await get('list?page_size=2&page=2')
  t.same([...Value.Errors(ListEnvelope, page)].map(({ path, message }) => `${path} ${message}`), [])
  t.match(page, { total: 4, page: 2, page_size: 2, total_pages: 2 })
  const excluded = await get('excluded')
  t.same([...Value.Errors(ListEnvelope, excluded)], [])
  t.match(excluded, { total: 1, items: [{ file_name: 'old', exclude: true }] })
  t.same((await names('sort_by=name')).slice(0, 1).concat((await names('')).at(-1) ?? ''), ['a9.safetensors', 'f/b.safetensors'], 'natural order')
  t.same((await names('folder=f/')).sort(), ['f/b.safetensors', 'f/g/a9.safetensors'])
  t.same(await names('folder=f&recursive=false'), ['f/b.safetensors'])
  t.same((await names('folder=&recursive=false')).sort(), ['a10.safetensors', 'a9.safetensors'])
  t.same((await names('tag_include=ANIME')).sort(), ['a10.safetensors', 'a9.safetensors'])
  t.same(await names('favorites_only=true&favorites_only=false'), ['f/b.safetensors'])
  t.same(await names(`lora_hash=${'2'.repeat(64)}&base_model=Nope`), ['a9.safetensors'], 'a hash replaces other filters')
  t.same(await names('civitai_model_id=1'), ['f/g/a9.safetensors', 'a9.safetensors'], 'newest version first')
  t.same(await names('base_model=Pony&base_model=Flux'), ['a10.safetensors'])
  t.same(await names('page=9'), [])
})

t.test('facets, groups, paths and look-ups of the index come through their routes', async (t) => {
  const { get, app, settings } = await setup()
  t.same((await get('top-tags?limit=0')).tags.map(({ count }: { count: number }) => count), [2, 1, 1])
  t.same((await get('search-tags?q=AN')).tags.length, 1)
  t.equal((await get('base-models?limit=1')).base_models.length, 1)
  t.same((await get('base-models?limit=0')).base_models, [{ name: 'SD 1.5', count: 3 }, { name: 'Pony', count: 1 }])
  t.same((await get('folders')).folders, ['', 'f', 'f/g'])
  t.same((await get('unified-folder-tree')).tree, { f: { g: {} } })
  t.same((await get('folder-tree?model_root=/m/loras')).tree, { f: { g: {} } })
  const duplicates = await get('find-duplicates')
  t.same([...Value.Errors(Groups('hash'), duplicates.duplicates)].map(({ path, message }) => `${path} ${message}`), [])
  t.match(duplicates, { success: true, count: 1, duplicates: [{ hash: '1'.repeat(64), models: { length: 2 } }] })
  const conflicts = await get('find-filename-conflicts')
  t.match(conflicts, { success: true, count: 1, conflicts: [{ filename: 'a9', models: { length: 2 } }] })
  settings.lora_syntax_format = 'full'
  t.same(await get('find-filename-conflicts'), { success: true, conflicts: [], count: 0 })
  t.same((await get('relative-paths?search=a9')).relative_paths, ['a9.safetensors', 'f/g/a9.safetensors'])
  t.equal((await get('relative-paths?search=&limit=2')).relative_paths.length, 2)
  t.same((await get('relative-paths?search=a&recursive=true&folder=f/g')).relative_paths, ['f/g/a9.safetensors'])
  t.match(await get('get-notes?name=f/g/a9'), { file_path: '/m/loras/f/g/a9.safetensors' })
  t.match(await get('preview-url?name=a9&license_flags=1'), { preview_url: '/api/lm/previews?path=%2Fm%2Floras%2Fa9.png', license_flags: Number, use_new_license_icons: true })
  t.match(await get('civitai-url?name=a9'), { civitai_url: 'https://civitai.com/models/1?modelVersionId=11' })
  t.same((await get('usage-tips-by-path?relative_path=a10.safetensors')).usage_tips, '{"strength":1}')
  t.same((await get('usage-tips-by-path?relative_path=nope')).usage_tips, '')
  t.same((await get('get-trigger-words?name=a9')).trigger_words, ['w'])
  t.match((await get('letter-counts')).letter_counts, { A: 3, B: 1 })
  const cycled = await app.inject({ method: 'POST', url: '/api/lm/loras/cycler-list', payload: { pool_config: { folders: { include: ['f'] } } } })
  t.same(cycled.json().loras.map((lora: { file_name: string }) => lora.file_name), ['f/g/a9', 'f/b'])
  const sampled = await app.inject({ method: 'POST', url: '/api/lm/loras/random-sample', payload: { count: 10 } })
  t.equal(sampled.json().count, 4, 'excluded models are not drawn')
})

t.test('what is not safe for work is left out of lists and samples when the user says so', async (t) => {
  const { names, app } = await setup({ show_only_sfw: true })
  t.notOk((await names('')).includes('f/g/a9.safetensors'))
  const sampled = await app.inject({ method: 'POST', url: '/api/lm/loras/random-sample', payload: { count: 10 } })
  t.equal(sampled.json().count, 3)
})

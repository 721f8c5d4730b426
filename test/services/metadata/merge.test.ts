import t from 'tap'
import type { CivitaiVersionDocument } from '../../../services/civitai/schema.ts'
import { mergeVersion, type MergeOptions } from '../../../services/metadata/merge.ts'

const nobody: MergeOptions['edits'] = { isUsers: () => false, removedWords: () => new Set() }
const users = (fields: string[], removed: string[] = []): MergeOptions['edits'] => ({ isUsers: (field) => fields.includes(field), removedWords: () => new Set(removed) })
const version = (more: Record<string, unknown> = {}): CivitaiVersionDocument => ({
  id: 2,
  modelId: 1,
  name: 'v2',
  baseModel: 'SDXL 1.0',
  trainedWords: ['n'],
  files: [{ id: 9, hashes: { SHA256: 'AB'.repeat(32), AutoV3: 'ABCDEF012345' } }],
  images: [{ url: 'https://image.example/1.png', meta: { prompt: 'p', comfy: { huge: true } } }],
  model: { name: 'Theirs', type: 'LORA', description: '<p>d</p>', tags: ['t', ' ', 't'] },
  creator: { username: 'c' },
  ...more
})
const merged = (document: Record<string, unknown>, options: Partial<MergeOptions> = {}): Record<string, unknown> => {
  mergeVersion(document, { version: version(), source: 'civitai_api', now: 5, sha256: 'ab'.repeat(32), complete: true, edits: nobody, ...options })
  return document
}
const civitai = (document: Record<string, unknown>) => document.civitai as Record<string, unknown>

t.test('a model that nobody told of takes everything, without the graphs of images', async (t) => {
  const document = merged({ file_name: 'f', model_name: 'f', base_model: 'Unknown', tags: [], modelDescription: '' })
  t.match(document, { model_name: 'Theirs', base_model: 'SDXL 1.0', tags: ['t'], modelDescription: '<p>d</p>', autov3: 'abcdef012345', from_civitai: true, metadata_source: 'civitai_api', last_checked_at: 5 })
  t.same((civitai(document).images as { meta: unknown }[])[0]?.meta, { prompt: 'p' })
  t.match(civitai(document).model, { allowNoCredit: true, allowCommercialUse: ['Sell'], allowDerivatives: true, allowDifferentLicense: true })
  t.notOk('allowNoCredit' in (civitai(merged({}, { complete: false })).model as object), 'no licence is guessed while the model was not heard')
})

t.test('nothing known is replaced by less', async (t) => {
  const known = { file_name: 'f', base_model: 'Pony', tags: ['mine'], modelDescription: 'old' }
  t.match(merged({ ...known }, { version: version({ baseModel: undefined }) }), { base_model: 'Pony', tags: ['mine'], modelDescription: 'old' })
  t.equal(merged({ ...known }, { version: version({ baseModel: 'Unknown' }) }).base_model, 'Pony')
  t.equal(merged({}, { version: version({ baseModel: null }) }).base_model, 'Unknown')
  const rich = { ...known, metadata_source: 'civitai_api', model_name: 'Name', civitai: { id: 2, name: 'rich', files: [{ id: 1 }], images: [{ url: 'u' }], model: { name: 'Name' } } }
  const after = merged(structuredClone(rich), { source: 'archive_db', version: version({ description: 'filled', name: 'poor' }) })
  t.match(after, { metadata_source: 'civitai_api', model_name: 'Name', civitai: { name: 'rich', files: [{ id: 1 }], description: 'filled' } })
  t.notOk('source' in civitai(after))
  t.match(merged({ metadata_source: 'civarchive', civitai: { id: 2, name: 'a', source: 'civarchive' } }, { source: 'archive_db' }).civitai, { name: 'a' })
  t.match(merged({ metadata_source: 'archive_db', civitai: { id: 2, name: 'a', source: 'archive_db' } }, { source: 'civarchive' }), { metadata_source: 'civarchive', civitai: { name: 'v2', source: 'civarchive' } })
  t.notOk('source' in civitai(merged({ civitai: { id: 2, source: 'civarchive' }, metadata_source: 'civarchive' })), 'CivitAI itself takes the place of an archive')
})

t.test('the user\'s own stays', async (t) => {
  const document = { file_name: 'f', model_name: 'Mine', base_model: 'Mine too', tags: [], modelDescription: '', civitai: { trainedWords: ['b', 'a'], customImages: [{ id: 'i' }], name: 'my name', own_key: 1 } }
  const after = merged(structuredClone(document), { edits: users(['model_name', 'base_model', 'tags', 'modelDescription', 'civitai.name'], ['gone']), version: version({ trainedWords: ['a', 'gone', 'c'], customImages: [{ id: 'theirs' }] }) })
  t.match(after, { model_name: 'Mine', base_model: 'Mine too', tags: [], modelDescription: '' })
  t.match(civitai(after), { customImages: [{ id: 'i' }], name: 'my name', own_key: 1 })
  t.same(civitai(after).trainedWords, ['b', 'a', 'c'], 'old words first, in their order; what was taken out stays out')
  t.equal(merged({ file_name: 'f', model_name: 'Renamed elsewhere', civitai: { id: 2, model: { name: 'Former' } } }).model_name, 'Renamed elsewhere')
  t.equal(merged({ file_name: 'f', model_name: 'Former', civitai: { id: 2, model: { name: 'Former' } } }).model_name, 'Theirs', 'a name that the provider changed')
  t.notOk('customImages' in civitai(merged({}, { version: version({ customImages: [{ id: 'theirs' }] }) })))
})

t.test('another version leaves nothing of the former one but what is somebody\'s own', async (t) => {
  const former = { metadata_source: 'civitai_api', civitai: { id: 1, stats: { n: 1 }, files: [{ id: 1 }], images: [{ url: 'x' }], customImages: [{ id: 'i' }], trainedWords: ['w'], own_key: 1 } }
  const after = merged(structuredClone(former), { relink: true, source: 'archive_db', version: version({ files: undefined, images: undefined }) })
  t.match(civitai(after), { id: 2, customImages: [{ id: 'i' }], trainedWords: ['w', 'n'], own_key: 1 })
  for (const key of ['stats', 'files', 'images']) t.notOk(key in civitai(after) && civitai(after)[key] !== undefined, key)
  t.match(merged(structuredClone(former), { source: 'archive_db', version: version({ files: undefined }) }).civitai, { id: 1, files: [{ id: 1 }] }, 'unless the user wants it, a poorer source changes no link')
})

t.test('hostile documents are bounded', async (t) => {
  let deep: unknown = 'x'
  for (let depth = 0; depth < 2000; depth++) deep = [deep]
  const images = Array.from({ length: 5000 }, () => ({ url: 'https://image.example/1.png', meta: { prompt: 'p'.repeat(100_000) } }))
  const hostile = JSON.parse(`{"__proto__": {"polluted": true}, "id": 2, "name": "${'n'.repeat(1000)}"}`) as Record<string, unknown>
  const document = merged({ file_name: 'f' }, { version: version({ ...hostile, description: 'd'.repeat(20_000_000), deep, images, trainedWords: Array.from({ length: 100_000 }, (_, at) => `w${at}`) }) })
  t.ok(JSON.stringify(document).length < 4_000_000)
  t.ok((civitai(document).trainedWords as string[]).length <= 1000)
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})

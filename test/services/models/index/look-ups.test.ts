import t from 'tap'
import { makeIndex, makeModel, makeQuery } from './sample.ts'
import type { IndexedModel } from '../../../../services/models/entry.ts'
import type { DuplicateFilter, ListQuery } from '../../../../services/models/ports.ts'

const named = (name: string, folder = '', over: Partial<IndexedModel> = {}): IndexedModel => makeModel({ file_name: name, folder, ...over })
const files = (models: readonly IndexedModel[]): string[] => models.map((model) => model.folder === '' ? model.file_name : `${model.folder}/${model.file_name}`)

t.test('tags are counted without case, shown as first written, most used first', async (t) => {
  const models = [named('a', '', { tags: ['Anime', 'x'] }), named('b', '', { tags: ['anime', 'ANIME', 'y'] }), named('c', '', { tags: ['y', ' '] })]
  const { index } = makeIndex(models)
  t.same(index.topTags(0), [{ tag: 'Anime', count: 2 }, { tag: 'y', count: 2 }, { tag: 'x', count: 1 }])
  t.same(index.topTags(1), [{ tag: 'Anime', count: 2 }])
  t.same(index.searchTags(' NI', 10), [{ tag: 'Anime', count: 2 }])
  t.same(index.searchTags('', 2), [{ tag: 'Anime', count: 2 }, { tag: 'y', count: 2 }])
  index.apply({ remove: [models[0]?.id ?? 0] })
  t.same(index.topTags(0), [{ tag: 'y', count: 2 }, { tag: 'anime', count: 1 }])
  index.apply({ upsert: [{ ...models[1] as IndexedModel, tags: [] }] })
  t.same(index.topTags(0), [{ tag: 'y', count: 1 }])
})

t.test('a tag of thousands of models counts and filters as any other', async (t) => {
  const models = Array.from({ length: 3000 }, (_, i) => makeModel({ tags: i % 3 === 0 ? ['all', 'All'] : ['all', 'third'] }))
  const { index } = makeIndex(models)
  t.same(index.topTags(0), [{ tag: 'all', count: 3000 }, { tag: 'third', count: 2000 }])
  index.apply({ remove: models.slice(0, 1500).map((model) => model.id), upsert: [makeModel({ tags: ['ALL'] })] })
  t.same(index.topTags(0), [{ tag: 'all', count: 1501 }, { tag: 'third', count: 1000 }])
  t.equal(index.list(makeQuery({ tagInclude: ['third'] })).total, 1000)
})

t.test('base models and types count, empty names and unlisted types aside', async (t) => {
  const { index } = makeIndex([named('a', '', { base_model: 'Pony' }), named('b', '', { base_model: '' }), named('c', '', { base_model: 'Pony', sub_type: 'LoCon' }), named('d', '', { base_model: 'NoobAI', sub_type: 'slider' })])
  t.same(index.baseModels(0), [{ name: 'Pony', count: 2 }, { name: 'NoobAI', count: 1 }])
  t.same(index.baseModels(1), [{ name: 'Pony', count: 2 }])
  t.same(index.modelTypes(20), [{ type: 'lora', count: 2 }, { type: 'locon', count: 1 }])
})

t.test('folders and their trees follow the models, root by root', async (t) => {
  const gone = named('x', 'B/deep/er')
  const { index } = makeIndex([named('r'), named('a', 'a/b'), named('c', 'C', { root_id: 'r2' }), gone, named('p', '__proto__/x')])
  t.same(index.folders(), ['', '__proto__/x', 'a/b', 'B/deep/er', 'C'])
  t.equal(JSON.stringify(index.folderTree()), '{"__proto__":{"x":{}},"a":{"b":{}},"B":{"deep":{"er":{}}},"C":{}}')
  t.equal(JSON.stringify(index.folderTree('r2')), '{"C":{}}')
  t.equal(JSON.stringify(index.folderTree('unknown')), '{}')
  index.apply({ remove: [gone.id] })
  t.same(index.folders(), ['', '__proto__/x', 'a/b', 'C'])
  t.equal(({} as { x?: unknown }).x, undefined)
})

t.test('letters are counted in their classes', async (t) => {
  const { index } = makeIndex(['apple', 'Ábc', '4k', '_x', '猫', 'カ', '한', '「', 'Zed', ''].map((name, i) => makeModel({ file_name: `f${i}`, model_name: name })))
  const counts = index.letterCounts()
  t.same(Object.keys(counts), ['#', ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '@', '漢'])
  t.same(Object.entries(counts).filter(([, count]) => count > 0), [['#', 1], ['A', 1], ['F', 1], ['Z', 1], ['@', 1], ['漢', 4]])
})

t.test('a name finds the first exact stem or path, else the best base name', async (t) => {
  const { index } = makeIndex([named('foo', 'x'), named('foo', 'y'), named('bar.v1', 'y/z'), named('deep', 'p'), named('deep', 'p/q'), named('deep', 'r'), named('old.pt', 'w'), named('old', 'v')])
  const found = (name: string): string[] => files(index.lookupAll(name))
  t.same(found('foo'), ['x/foo', 'y/foo'])
  t.same(found('foo.SafeTensors'), ['x/foo', 'y/foo'])
  t.same(found('y\\foo.ckpt')[0], 'y/foo')
  t.same(found('y/z/bar.v1.safetensors'), ['y/z/bar.v1'])
  t.same(found('p/q/s/deep'), ['p/q/deep', 'p/deep', 'r/deep'], 'the last folder that begins the name comes first')
  t.same(found('n/deep'), ['p/deep', 'p/q/deep', 'r/deep'])
  t.same(found('Foo'), [])
  t.same(found('old'), ['v/old', 'w/old.pt'])
  t.same(found('old.pt'), ['w/old.pt', 'v/old'])
  t.equal(index.lookup('nothing'), undefined)
  t.equal(index.lookup(''), undefined)
})

t.test('every scanned extension is ignored in names', async (t) => {
  const { index } = makeIndex([makeModel({ type: 'checkpoint', file_name: 'flux', file_path: '/m/flux.gguf' })], 'checkpoints')
  t.equal(index.lookup('flux.gguf')?.file_name, 'flux')
  t.equal(index.byRelativePath('flux.gguf')?.file_name, 'flux')
})

t.test('a relative path means itself first, then what ends with it at a folder', async (t) => {
  const { index } = makeIndex([named('a', 'x/y'), named('a', 'y'), named('ba', 'x')])
  t.equal(index.byRelativePath('y/a.safetensors')?.folder, 'y')
  t.equal(index.byRelativePath('y\\a')?.folder, 'y')
  t.equal(index.byRelativePath('x/y/a.safetensors')?.folder, 'x/y')
  t.equal(index.byRelativePath('loras/y/a.safetensors')?.folder, 'y')
  t.equal(index.byRelativePath('a.safetensors')?.folder, 'x/y')
  t.equal(index.byRelativePath('/a')?.folder, 'x/y')
  t.equal(index.byRelativePath('b/a'), undefined)
})

t.test('hashes of every kind find all their models, and a survivor keeps being found', async (t) => {
  const sha = '1234567890abcdef'.repeat(4)
  const twins = [named('one', '', { sha256: sha, autov3: 'aabbccddeeff', other_hashes: { AutoV1: 'A1B2C3D4', CRC32: '0BADF00D', BLAKE3: 'F'.repeat(64) } }), named('two', '', { sha256: sha })]
  const { index } = makeIndex([...twins, named('pending', '', { sha256: '', hash_status: 'pending' })])
  for (const hash of [sha, sha.toUpperCase(), sha.slice(0, 10), sha.slice(0, 12), sha.slice(0, 8)]) t.same(files(index.byHash(hash)), ['one', 'two'], hash)
  for (const hash of ['AABBCCDDEEFF', 'a1b2c3d4', '0badf00d', 'f'.repeat(64)]) t.same(files(index.byHash(hash)), ['one'], hash)
  for (const hash of [sha.slice(0, 7), '', 'zzzzzzzz', sha + '0', 'aabbccdd']) t.same(index.byHash(hash), [], hash)
  index.apply({ remove: [twins[0]?.id ?? 0] })
  t.same(files(index.byHash(sha.slice(0, 10))), ['two'])
  t.same(index.byHash('aabbccddeeff'), [])
  index.apply({ upsert: [{ ...twins[1] as IndexedModel, sha256: 'e'.repeat(64) }] })
  t.same(index.byHash(sha), [])
  t.same(files(index.byHash('e'.repeat(10))), ['two'])
})

t.test('versions of a CivitAI model, one descriptor each, alive through a sibling', async (t) => {
  const of = (name: string, id: number, modelId: number): IndexedModel => named(name, '', { civitai: { id, modelId, name: `v${id}` } })
  const models = [of('a', 5, 9), of('copy of a', 5, 9), of('b', 4, 9), of('c', 1, 8)]
  const { index } = makeIndex(models)
  t.same(index.versionsOf(9), [{ versionId: 5, name: 'v5', fileName: 'a' }, { versionId: 4, name: 'v4', fileName: 'b' }])
  t.same(files(index.byVersionId(5)), ['a', 'copy of a'])
  index.apply({ remove: [models[0]?.id ?? 0] })
  t.same(index.versionsOf(9).map((version) => version.fileName), ['copy of a', 'b'])
  t.same(index.versionsOf(404), [])
  t.same(index.byVersionId(404), [])
})

t.test('duplicates group equal files, originals first; filters shrink groups and drop single ones', async (t) => {
  const sha = 'd'.repeat(64)
  const same = (name: string, over: Partial<IndexedModel> = {}): IndexedModel => named(name, 'f', { sha256: sha, ...over })
  const { index } = makeIndex([
    same('style-a1b2', { tags: ['Keep'] }), same('style (2)', { favorite: true }), same('style copy'), same('style', { tags: ['keep'], favorite: true }),
    named('p1', 'f', { sha256: '', hash_status: 'pending' }), named('p2', 'f', { sha256: '', hash_status: 'pending' }), named('single')
  ])
  const find = (over: Partial<DuplicateFilter> = {}): { count: number, groups: { hash: string, models: { file_name: string }[] }[] } => {
    const { groups, count } = index.duplicates({ baseModels: [], tagInclude: [], tagExclude: [], subTypes: [], favoritesOnly: false, ...over })
    return { count, groups: JSON.parse(groups.toString()) }
  }
  const names = (over: Partial<DuplicateFilter> = {}): string[] => find(over).groups.flatMap(({ models }) => models.map((model) => model.file_name))
  t.match(find(), { count: 1, groups: [{ hash: sha }] })
  t.same(names(), ['style', 'style (2)', 'style copy', 'style-a1b2'])
  t.same(names({ tagInclude: ['KEEP'] }), ['style', 'style-a1b2'])
  t.same(names({ tagExclude: ['keep'] }), ['style (2)', 'style copy'])
  t.same(names({ favoritesOnly: true }), ['style', 'style (2)'])
  t.same(names({ subTypes: ['lora'], folder: 'f' }).length, 4)
  t.same(find({ folder: 'fo' }), { count: 0, groups: [] })
  t.same(names({ tagInclude: ['__no_tags__'] }), ['style (2)', 'style copy'])
})

t.test('equal file names conflict, hashed or not, and still do when the first is gone', async (t) => {
  const models = [named('same', 'a'), named('same', 'b', { sha256: '', hash_status: 'pending' }), named('same', 'c'), named('Same', 'd')]
  const { index } = makeIndex(models)
  const conflicts = (): [string, number][] => JSON.parse(index.filenameConflicts().groups.toString()).map((group: { filename: string, models: unknown[] }) => [group.filename, group.models.length])
  t.same(conflicts(), [['same', 3]])
  t.equal(index.filenameConflicts().count, 1)
  index.apply({ remove: [models[0]?.id ?? 0] })
  t.same(conflicts(), [['same', 2]])
  index.apply({ remove: [models[2]?.id ?? 0] })
  t.same(conflicts(), [])
})

t.test('autocomplete ranks by tokens at the start, place, length, path', async (t) => {
  const { index, preferences } = makeIndex([
    named('Fox', 'animals'), named('red fox', 'animals/wild', { preview_nsfw_level: 16 }), named('fox2'), named('arctic_fox'), named('🦊 fox'), named('wolf', 'fox den'), named('b'), named('a')
  ])
  const paths = (search: string, over: Partial<ListQuery> = {}, limit = 15, offset = 0): string[] =>
    index.relativePaths(makeQuery(over), Object.keys(over).length > 0, search, limit, offset).map((path) => path.replaceAll('\\', '/').replace('.safetensors', ''))
  t.same(paths('fox'), ['fox2', 'fox den/wolf', '🦊 fox', 'arctic_fox', 'animals/Fox', 'animals/wild/red fox'])
  t.same(paths('fox animals/'), ['animals/Fox', 'animals/wild/red fox'])
  t.same(paths('fox -wild -2'), ['fox den/wolf', '🦊 fox', 'arctic_fox', 'animals/Fox'])
  t.same(paths('s/fox'), ['animals/Fox'])
  t.same(paths('/fox'), ['animals/Fox'])
  t.same(paths('safetensors'), [], 'the extension is not searched')
  t.same(paths('', {}, 3), ['a', 'b', 'fox2'])
  t.same(paths('', {}, 2, 1), ['b', 'fox2'])
  t.same(paths('fox', {}, 2, 2), ['🦊 fox', 'arctic_fox'])
  t.same(paths('fox', { folder: 'animals', recursive: false }), ['animals/Fox'])
  preferences.sfwOnly = true
  t.same(paths('red', { recursive: true }), [], 'filters bring the global preference along')
  t.same(paths('red'), ['animals/wild/red fox'])
})

t.test('excluded models are found by path only', async (t) => {
  const { index } = makeIndex([named('gone', 'x', { exclude: true, tags: ['t'], sha256: 'c'.repeat(64) })])
  t.equal(index.get('/m/loras/x/gone.safetensors')?.exclude, true)
  t.equal(index.lookup('gone'), undefined)
  t.same(index.byHash('c'.repeat(64)), [])
  t.same(index.topTags(0), [])
  t.same(index.folders(), [])
  t.same([...index.entries()], [])
})

t.test('an entry changed in place and put again leaves nothing of its former self behind', async (t) => {
  const model = named('before', 'f1', { tags: ['old'], sha256: 'a'.repeat(64), civitai: { id: 1, modelId: 2 } })
  const { index, names } = makeIndex([model, named('other')])
  t.same(names({ search: 'before' }), ['before'])
  t.throws(() => model.tags.push('x'), TypeError, 'a list of tags may be shared, so it is closed')
  Object.assign(model, { file_name: 'after', model_name: 'after', folder: 'f2', file_path: '/m/loras/f2/after.safetensors', tags: ['new'], sha256: 'b'.repeat(64), civitai: { id: 3, modelId: 4 }, base_model: 'Pony' })
  index.apply({ upsert: [model] })
  t.same(names(), ['after', 'other'])
  t.same(names({ search: 'before' }), [])
  t.same(names({ search: 'after' }), ['after'])
  t.same(index.folders(), ['', 'f2'])
  t.same(index.topTags(0), [{ tag: 'new', count: 1 }])
  t.same(index.byHash('a'.repeat(64)), [])
  t.same(files(index.byHash('b'.repeat(64))), ['f2/after'])
  t.same(index.byVersionId(1), [])
  t.same(index.versionsOf(4).length, 1)
  t.equal(index.get('/m/loras/f1/before.safetensors'), undefined)
  t.same(index.baseModels(0), [{ name: 'SDXL 1.0', count: 1 }, { name: 'Pony', count: 1 }])
})

t.test('clearing leaves an empty index that can be filled again', async (t) => {
  const { index, names } = makeIndex([named('a', 'x')])
  const { version } = index
  names()
  index.clear()
  t.ok(index.version > version)
  t.equal(index.size, 0)
  t.same(names(), [])
  t.same(index.folders(), [])
  index.apply({ upsert: [named('b')] })
  t.same(names(), ['b'])
})

t.test('all hashes are there at once, and follow the models', async (t) => {
  const sums = Array.from({ length: 2000 }, (_, n) => n.toString(16).padStart(64, '0').replace(/^0/, 'F'))
  const models = sums.map((sha256, n) => named(`m${n}`, '', { sha256 }))
  const [first, second] = models as [IndexedModel, IndexedModel]
  const { index } = makeIndex([...models, named('pending', '', { sha256: '' }), named('odd', '', { sha256: 'x'.repeat(64) }), named('short', '', { sha256: 'ab' }), named('hidden', '', { sha256: 'e'.repeat(64), exclude: true })])
  const held = async (): Promise<string[]> => (Buffer.from(await index.digests()).toString('hex').match(/.{64}/g) ?? []).sort()
  const expected = (gone: readonly string[], come: readonly string[] = []): string[] => [...sums.map((sum) => sum.toLowerCase()).filter((sum) => !gone.includes(sum)), ...come].sort()

  const asked = held()
  index.apply({ remove: [first.id] })
  const [gone, other] = [first.sha256.toLowerCase(), second.sha256.toLowerCase()]
  t.same(await asked, expected([gone]), 'also what changes while they are gathered')
  index.apply({ upsert: [{ ...second, sha256: 'c'.repeat(64) }, named('new', '', { sha256: 'd'.repeat(64) })] })
  t.same(await held(), expected([gone, other], ['c'.repeat(64), 'd'.repeat(64)]))
  index.apply({ upsert: [{ ...second, sha256: '' }, ...Array.from({ length: 3000 }, (_, n) => named(`late${n}`, '', { sha256: '' }))] })
  index.apply({ upsert: [named('last', '', { sha256: 'a'.repeat(64) })] })
  t.same(await held(), expected([gone, other], ['a'.repeat(64), 'd'.repeat(64)]))
  index.clear()
  t.same(await held(), [])
})

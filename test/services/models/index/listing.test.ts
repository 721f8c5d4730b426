import t from 'tap'
import { itemsOf, makeIndex, makeModel, makeQuery, sortBy } from './sample.ts'
import type { IndexedModel } from '../../../../services/models/entry.ts'

const named = (name: string, over: Partial<IndexedModel> = {}): IndexedModel => makeModel({ file_name: name, ...over })

t.test('a list item has the contract\'s keys, in order, with their defaults', async (t) => {
  const { index } = makeIndex([makeModel({
    file_name: 'a1',
    model_name: 'Alpha "one"',
    folder: 'anime',
    sha256: '7e59',
    size: 160,
    modified: 1700000007.25,
    tags: ['anime'],
    civitai: { id: 11, modelId: 1, name: 'v1', trainedWords: ['x'], creator: { username: 'c' }, model: { type: 'LoCon' } }
  })])
  const body = index.list(makeQuery({ pageSize: 20 })).body.toString()
  t.equal(body, '{"items":[{"model_name":"Alpha \\"one\\"","file_name":"a1","preview_url":"","preview_nsfw_level":0,"base_model":"SDXL 1.0","folder":"anime","sha256":"7e59","file_path":"/m/loras/anime/a1.safetensors","file_size":160,"modified":1700000007.25,"tags":["anime"],"from_civitai":true,"usage_count":0,"usage_tips":"{}","notes":"","favorite":false,"exclude":false,"update_available":false,"skip_metadata_refresh":false,"sub_type":"locon","civitai":{"id":11,"modelId":1,"name":"v1","trainedWords":["x"]},"auto_tags":[],"version_count":null,"hf_url":""}],"total":1,"page":1,"page_size":20,"total_pages":1}')
})

t.test('preview addresses are escaped through and through and carry a version; usage tips belong to LoRAs', async (t) => {
  const preview = { preview_url: '/m/a b/ü (1)!.webp', preview_version: 'v9' }
  const [lora] = itemsOf(makeIndex([makeModel(preview)]).index)
  t.equal(lora?.preview_url, '/api/lm/previews?path=%2Fm%2Fa%20b%2F%C3%BC%20%281%29%21.webp')
  t.equal(lora?.preview_version, 'v9')
  const [checkpoint] = itemsOf(makeIndex([makeModel({ type: 'checkpoint' })], 'checkpoints').index)
  t.notOk('usage_tips' in (checkpoint ?? {}))
  t.equal(checkpoint?.sub_type, 'checkpoint')
  t.notOk('preview_version' in (checkpoint ?? {}))
  const [torn] = itemsOf(makeIndex([makeModel({ preview_url: '/m/\ud800.png' })]).index)
  t.match(torn?.preview_url, /%EF%BF%BD/)
})

t.test('use, updates and offline roots show at once, whatever was answered before', async (t) => {
  const model = makeModel({ civitai: { id: 1, modelId: 2 } })
  const { index, usage, updates } = makeIndex([model])
  t.match(itemsOf(index)[0], { usage_count: 0, update_available: false })
  usage.counts.set(model.sha256, 4)
  usage.version++
  updates.modelIds.add(2)
  updates.version++
  t.match(itemsOf(index)[0], { usage_count: 4, update_available: true })
  index.setOfflineRoots(new Set(['r1']))
  t.equal(itemsOf(index)[0]?.offline, true)
  index.setOfflineRoots(new Set())
  t.notOk('offline' in (itemsOf(index)[0] ?? {}))
})

t.test('a repeated query is the same buffer until something changes', async (t) => {
  const { index } = makeIndex([makeModel(), makeModel()])
  const first = index.list(makeQuery())
  t.equal(index.list(makeQuery()).body, first.body)
  index.apply({ upsert: [makeModel()] })
  t.equal(index.list(makeQuery()).total, 3)
})

t.test('pages are slices of one order, from both ends and past it', async (t) => {
  const models = Array.from({ length: 95 }, (_, i) => named(`n${i}`, { modified: i, tags: i % 2 === 0 ? ['even'] : [] }))
  const { index, names } = makeIndex(models)
  for (const over of [sortBy('date'), sortBy('date', 'desc'), { ...sortBy('date', 'desc'), tagInclude: ['even'] }, { ...sortBy('date'), tagInclude: ['even'] }]) {
    const all = names(over)
    const pages = Array.from({ length: 14 }, (_, i) => names({ ...over, page: i + 1, pageSize: 7 })).flat()
    t.same(pages, all)
  }
  const past = JSON.parse(index.list(makeQuery({ page: 99, pageSize: 10 })).body.toString())
  t.match(past, { items: [], total: 95, page: 99, total_pages: 10 })
  t.match(JSON.parse(makeIndex().index.list(makeQuery()).body.toString()), { items: [], total: 0, total_pages: 0 })
})

t.test('names sort naturally: numbers by value and before text, case aside, path last', async (t) => {
  const { names, preferences } = makeIndex([
    named('style 10'), named('Style 9'), named('style 2b', { model_name: 'style 002a' }), named('Abc'), named('12'), named('3'), named('z', { model_name: '' }),
    named('twin', { folder: 'b10', model_name: 'Twin' }), named('twin2', { folder: 'b9', model_name: 'twin' })
  ])
  t.same(names(), ['3', '12', 'Abc', 'style 2b', 'Style 9', 'style 10', 'twin2', 'twin', 'z'])
  t.same(names(sortBy('name', 'desc')), names().reverse())
  preferences.nameDisplay = 'file_name'
  t.same(names(), ['3', '12', 'Abc', 'style 2b', 'Style 9', 'style 10', 'twin', 'twin2', 'z'])
})

t.test('dates, sizes and uses sort with names as tie-break; descending turns the whole order round', async (t) => {
  const models = [named('c', { modified: 5, size: 1 }), named('B', { modified: 5, size: 3 }), named('a', { modified: 9, size: 2 })]
  const { index, names, usage } = makeIndex(models)
  t.same(names(sortBy('date')), ['B', 'c', 'a'])
  t.same(names(sortBy('date', 'desc')), ['a', 'c', 'B'])
  t.same(names(sortBy('size', 'desc')), ['B', 'a', 'c'])
  t.same(names(sortBy('usage', 'desc')), ['c', 'B', 'a'])
  usage.counts.set(models[2]?.sha256 ?? '', 7)
  usage.version++
  t.same(names(sortBy('usage', 'desc')), ['a', 'c', 'B'])
  index.apply({ upsert: [{ ...makeModel({ id: models[1]?.id ?? 0, file_name: 'B' }), sha256: models[2]?.sha256 ?? '' }] })
  t.same(names(sortBy('usage', 'desc')), ['B', 'a', 'c'])
  t.same(names(sortBy('version_id', 'desc')), ['c', 'B', 'a'], 'an unknown key leaves the order of the library')
})

t.test('a seed gives one order across pages, and a deletion moves no other model', async (t) => {
  const models = Array.from({ length: 60 }, (_, i) => named(`m${i}`))
  const { index, names } = makeIndex(models)
  const before = names(sortBy('random', 'asc', 'seed1'))
  t.not(before.join(), names(sortBy('random', 'asc', 'seed2')).join())
  t.same(names({ ...sortBy('random', 'asc', 'seed1'), pageSize: 20, page: 2 }), before.slice(20, 40))
  const some = before.filter((name) => name.includes('3'))
  t.same(names({ ...sortBy('random', 'asc', 'seed1'), search: '3' }), some, 'a filter keeps the order')
  index.apply({ remove: [models[7]?.id ?? 0] })
  t.same(names(sortBy('random', 'asc', 'seed1')), before.filter((name) => name !== 'm7'))
})

t.test('folders: subfolders unless told otherwise, at folder borders, trailing slashes tolerated', async (t) => {
  const { names } = makeIndex([named('root'), named('r', { folder: 'real' }), named('rp', { folder: 'real/people' }), named('rx', { folder: 'realx' }), named('o', { folder: 'other' })])
  t.same(names({ folder: 'real' }), ['r', 'rp'])
  t.same(names({ folder: 'real/' }), ['r', 'rp'])
  t.same(names({ folder: 'real', recursive: false }), ['r'])
  t.same(names({ folder: '', recursive: false }), ['root'])
  t.equal(names({ folder: '' }).length, 5)
  t.same(names({ folderInclude: ['other', 'real/people/'] }), ['o', 'rp'])
  t.same(names({ folderExclude: ['real/'], recursive: false }), ['o', 'root', 'rx'])
  t.same(names({ folder: 'real', folderInclude: ['real/people'] }), ['rp'])
  t.same(names({ folder: 'nowhere' }), [])
})

t.test('tags: any or all, case aside, the untagged by their own name, exclusion wins', async (t) => {
  const { names } = makeIndex([named('a', { tags: ['Anime', ' style '] }), named('b', { tags: ['anime'] }), named('c', { tags: ['style'] }), named('d')])
  t.same(names({ tagInclude: ['ANIME', 'style'] }), ['a', 'b', 'c'])
  t.same(names({ tagInclude: ['ANIME', 'style'], tagLogic: 'all' }), ['a'])
  t.same(names({ tagInclude: ['__no_tags__', 'style'] }), ['a', 'c', 'd'])
  t.same(names({ tagInclude: ['__no_tags__', 'style', 'anime'], tagLogic: 'all' }), ['a', 'd'])
  t.same(names({ tagInclude: ['__no_tags__'], tagLogic: 'all' }), ['d'])
  t.same(names({ tagExclude: ['__no_tags__'] }), ['a', 'b', 'c'])
  t.same(names({ tagExclude: ['Anime'] }), ['c', 'd'])
  t.same(names({ tagInclude: ['anime'], tagExclude: ['anime'] }), ['c', 'd'], 'a tag in both lists is excluded')
  t.same(names({ tagInclude: ['none'] }), [])
})

t.test('the other filters: preview level, favourites, base, type, auto tags, licence, updates, letters', async (t) => {
  const { names, preferences, updates } = makeIndex([
    named('x', { preview_nsfw_level: 4, favorite: true, license_flags: 1, base_model: 'Pony', civitai: { modelId: 1, model: { type: 'LoCon' } } }),
    named('y_i2v', { preview_nsfw_level: 2, license_flags: 2, sub_type: 'DoRA' }),
    named('é', { base_model: 'pony' }), named('4k', { model_name: '4k' }), named('_u'), named('猫')
  ])
  t.same(names({ favoritesOnly: true }), ['x'])
  t.same(names({ baseModels: ['Pony', 'none'] }), ['x'])
  t.same(names({ subTypes: ['LOCON', 'dora'] }), ['x', 'y_i2v'])
  t.same(names({ autoTagInclude: ['I2V'] }), ['y_i2v'])
  t.same(names({ autoTagInclude: ['i2v'] }), [])
  t.notOk(names({ autoTagExclude: ['I2V'] }).includes('y_i2v'))
  t.same(names({ creditRequired: true }), ['y_i2v'])
  t.ok(names({ creditRequired: false }).includes('x'))
  t.same(names({ allowSelling: true }), ['y_i2v'])
  t.notOk(names({ allowSelling: false }).includes('y_i2v'))
  t.same(names({ firstLetter: '#' }), ['4k'])
  t.same(names({ firstLetter: '@' }), ['_u'])
  t.same(names({ firstLetter: '漢' }), ['猫'])
  t.same(names({ firstLetter: 'É' }), ['é'])
  t.same(names({ firstLetter: 'x' }), ['x'])
  updates.modelIds.add(0).add(1)
  updates.version++
  t.same(names({ updateAvailableOnly: true }), ['x'], 'without a model id there are no updates')
  preferences.sfwOnly = true
  t.notOk(names().includes('x'))
  t.ok(names().includes('y_i2v'))
})

t.test('name patterns are regular expressions or plain text, on either name', async (t) => {
  const { names } = makeIndex([named('alpha_v1', { model_name: 'Alpha' }), named('beta_v22', { model_name: 'Beta [x]' }), named('gamma')])
  t.same(names({ namePatternInclude: ['V1'] }), ['alpha_v1'])
  t.same(names({ namePatternInclude: ['v\\d+$', 'GAM'], namePatternUseRegex: true }), ['alpha_v1', 'beta_v22', 'gamma'])
  t.same(names({ namePatternInclude: ['[x]'] }), ['beta_v22'])
  t.same(names({ namePatternInclude: ['[x'], namePatternUseRegex: true }), ['beta_v22'], 'an invalid pattern is plain text')
  t.same(names({ namePatternExclude: ['^alpha$', 'v22'], namePatternUseRegex: true }), ['gamma'])
})

t.test('a plain search is one text within one field', async (t) => {
  const { names } = makeIndex([
    named('golden_fox', { model_name: 'Golden Fox v1.5' }), named('fox', { model_name: 'Golden' }), named('c', { tags: ['red fox'], civitai: { creator: { username: 'FoxMaker' } } }), named('猫耳_style')
  ])
  t.same(names({ search: 'GOLDEN FOX' }), ['golden_fox'])
  t.same(names({ search: 'n_f' }), ['golden_fox'])
  t.same(names({ search: '1.5' }), ['golden_fox'])
  t.same(names({ search: 'ox v' }), ['golden_fox'])
  t.same(names({ search: '_' }), ['golden_fox', '猫耳_style'])
  t.same(names({ search: '猫' }), ['猫耳_style'])
  t.same(names({ search: 'fox', searchIn: { fileName: true, modelName: false, tags: false, creator: false } }), ['fox', 'golden_fox'])
  t.same(names({ search: 'd fox', searchIn: { fileName: false, modelName: false, tags: true, creator: true } }), ['c'])
  t.same(names({ search: 'maker', searchIn: { fileName: false, modelName: false, tags: false, creator: true } }), ['c'])
  t.same(names({ search: 'fox', searchIn: { fileName: false, modelName: false, tags: false, creator: false } }), [])
  t.equal(names({ search: '  ' }).length, 4)
})

t.test('a fuzzy search takes words from any field and forgives a slip', async (t) => {
  const { names } = makeIndex([named('golden_fox_v1', { model_name: 'Watercolor Style' }), named('fox'), named('watercolor', { model_name: 'Foxes.of.old' })])
  t.same(names({ search: 'fox watercolor', fuzzy: true }), ['watercolor', 'golden_fox_v1'])
  t.same(names({ search: 'watercolour', fuzzy: true }), ['watercolor', 'golden_fox_v1'])
  t.same(names({ search: 'golden-fox', fuzzy: true }), ['golden_fox_v1'])
  t.same(names({ search: 'watercolor zebra', fuzzy: true }), [])
  t.same(names({ search: '_', fuzzy: true }), ['golden_fox_v1'])
})

t.test('hashes replace every other filter; order and updates still apply', async (t) => {
  const sha = 'ABCDEF0123'.toLowerCase().padEnd(64, '9')
  const { names, preferences } = makeIndex([named('b', { sha256: sha, preview_nsfw_level: 32 }), named('a', { autov3: 'aaaabbbbcccc' }), named('c')])
  preferences.sfwOnly = true
  t.same(names({ hashes: [sha], search: 'nothing', folder: 'x' }), ['b'])
  t.same(names({ hashes: ['abcdef0123', 'AAAABBBBCCCC'] }), ['a', 'b'])
  t.same(names({ hashes: ['abcdef01'] }), ['b'])
  t.same(names({ hashes: ['abcdef0'] }), [], 'fewer than 8 digits find nothing')
  t.same(names({ hashes: ['abcdef01'], updateAvailableOnly: true }), [])
})

t.test('grouping: filters first, the newest matching member stands for all, in the order asked for', async (t) => {
  const version = (name: string, id: number, over: Partial<IndexedModel> = {}): IndexedModel => named(name, { civitai: { id, modelId: 7 }, ...over })
  const models = [
    version('old', 1, { tags: ['x'] }), version('new', 3), version('mid', 2), version('pony', 9, { base_model: 'Pony' }),
    named('alone'), named('hf1', { hf_url: 'https://huggingface.co/o/r/blob/x', modified: 1 }), named('hf2', { hf_url: 'https://huggingface.co/o/r', modified: 2 })
  ]
  const { index, names, preferences } = makeIndex(models)
  t.same(names({ groupByModel: true }), ['alone', 'hf2', 'new', 'pony'])
  t.same(itemsOf(index, { groupByModel: true }).map((item) => item.version_count), [null, 2, 3, 1])
  t.same(names({ groupByModel: true, tagInclude: ['x'] }), ['old'])
  t.equal(itemsOf(index, { groupByModel: true, tagInclude: ['x'] })[0]?.version_count, 3)
  t.same(names({ groupByModel: true, ...sortBy('versions_count', 'desc') }), ['new', 'hf2', 'pony', 'alone'])
  t.same(names(sortBy('versions_count', 'desc')), ['new', 'mid', 'old', 'hf2', 'hf1', 'pony', 'alone'])
  t.same(names(sortBy('versions_count')), ['pony', 'hf2', 'hf1', 'new', 'mid', 'old', 'alone'])
  t.same(names({ groupKey: '7', groupByModel: true, ...sortBy('name') }), ['pony', 'new', 'mid', 'old'])
  t.same(names({ groupKey: '7', baseModels: ['SDXL 1.0'] }), ['new', 'mid', 'old'])
  t.same(names({ groupKey: 'hf:o/r' }), ['hf2', 'hf1'])
  t.same(names({ groupKey: '404' }), [])
  t.same(names({ groupKey: 'hf:no/no' }), [])
  preferences.versionGrouping = 'any'
  t.same(names({ groupByModel: true }), ['alone', 'hf2', 'pony'])
  index.apply({ remove: [models[3]?.id ?? 0] })
  t.same(names({ groupByModel: true }), ['alone', 'hf2', 'new'])
})

t.test('excluded models are listed on their own, searched and sorted, never filtered by preview level', async (t) => {
  const { index, names, preferences } = makeIndex([named('a'), named('z10', { exclude: true, preview_nsfw_level: 32 }), named('z9', { exclude: true, size: 5 })])
  preferences.sfwOnly = true
  const excluded = (over = {}): string[] => JSON.parse(index.listExcluded(makeQuery(over)).body.toString()).items.map((item: { file_name: string, exclude: boolean }) => item.exclude && item.file_name)
  t.same(names(), ['a'])
  t.equal(index.size, 1)
  t.same(excluded(), ['z9', 'z10'])
  t.same(excluded({ favoritesOnly: true, folder: 'x' }), ['z9', 'z10'])
  t.same(excluded({ search: '10' }), ['z10'])
  t.same(excluded(sortBy('size')), ['z9', 'z10'])
  t.same(excluded(sortBy('bogus')), ['z9', 'z10'])
  const hidden = index.get('/m/loras/z9.safetensors')
  if (!hidden) throw new Error('excluded models are found by path')
  t.equal(index.byId(hidden.id), undefined)
  index.apply({ upsert: [{ ...hidden, exclude: false }] })
  t.same(names(), ['a', 'z9'])
  t.same(excluded(), ['z10'])
  t.equal([...index.excluded()].length, 1)
})

t.test('a corrupt entry is left out of the items and still counted', async (t) => {
  const corrupt = makeModel({ file_name: 'bad' })
  delete (corrupt as Partial<IndexedModel>).file_path
  const { index, names } = makeIndex([named('a'), corrupt, named('c')])
  t.same(names(), ['a', 'c'])
  t.equal(index.list(makeQuery()).total, 3)
})

t.test('select gives ids in order; an item can be had by itself', async (t) => {
  const models = [named('b'), named('a', { tags: ['t'] })]
  const { index } = makeIndex(models)
  t.same([...index.select(makeQuery())], [models[1]?.id, models[0]?.id])
  t.same([...index.select(makeQuery({ tagInclude: ['t'] }))], [models[1]?.id])
  t.match(JSON.parse(index.item(models[1]?.id ?? 0).toString()), { file_name: 'a', tags: ['t'] })
  t.throws(() => index.item(-5), /No such model/)
})

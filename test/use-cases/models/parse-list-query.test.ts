import t from 'tap'
import { createListQueryReader, parseListQuery, type RawQuery } from '../../../use-cases/models/parse-list-query.ts'
import { modelTypeByName } from '../../../services/models/types.ts'

const lora = modelTypeByName('lora')
const parse = (raw: RawQuery, type = lora) => parseListQuery(raw, type)

t.test('page and page size are clamped, other text is refused', async (t) => {
  const sizes = (page?: string, size?: string) => {
    const { page: got, pageSize } = parse({ page, page_size: size })
    return [got, pageSize]
  }
  t.same(sizes(), [1, 20])
  t.same(sizes('-1', '0'), [1, 20])
  t.same(sizes('0', '-5'), [1, 20])
  t.same(sizes('7', '500'), [7, 100])
  t.same(sizes('99999999999999999999', '100'), [Number.MAX_SAFE_INTEGER, 100])
  for (const bad of ['abc', '', '1e9', '1.0', '0x10']) t.throws(() => parse({ page: bad }), { message: '"page" must be an integer' }, bad)
})

t.test('a sort is a key with an order, or a seed', async (t) => {
  const sort = (text: string) => parse({ sort_by: text }).sort
  t.same(parse({}).sort, { key: 'name', order: 'asc', seed: '' })
  t.same(sort(' Date : DESC '), { key: 'date', order: 'desc', seed: '' })
  t.same(sort(':desc'), { key: 'name', order: 'desc', seed: '' })
  t.same(sort('size:sideways').order, 'asc')
  t.same(sort('random:AbC:1'), { key: 'random', order: 'asc', seed: 'abc:1' })
  t.same(sort('random:asc').seed, '')
})

t.test('of a repeated key the first counts, lists take all', async (t) => {
  const query = parse({ search: ['a', 'b'], base_model: ['X', 'Y'], model_type: 'LoCon', civitai_model_type: ['DoRA'], folder_include: ['f', ''] })
  t.match(query, { search: 'a', baseModels: ['X', 'Y'], subTypes: ['locon', 'dora'], folderInclude: ['f'] })
})

t.test('only "true" is true; an absent folder is no filter, an empty one is', async (t) => {
  t.match(parse({ favorites_only: '1', group_by_model: 'TRUE', recursive: '0', search_filename: 'false', search_tags: 'yes' }),
    { favoritesOnly: false, groupByModel: true, recursive: false, searchIn: { fileName: false, modelName: true, tags: false, creator: false } })
  t.notOk('folder' in parse({}))
  t.equal(parse({ folder: '' }).folder, '')
  for (const key of ['fuzzy', 'fuzzy_search']) t.equal(parse({ [key]: 'true' }, modelTypeByName('embedding')).fuzzy, true, key)
})

t.test('tags come in new and legacy forms, and one that is in both lists is excluded', async (t) => {
  t.same(parse({ tags: 'a, b,' }).tagInclude, ['a', 'b'])
  t.same(parse({ tag: ['x', 'y'], tags: 'a' }).tagInclude, ['x', 'y'])
  t.match(parse({ tag_include: ['Anime', 'x'], tag_exclude: [' anime '] }), { tagInclude: ['x'], tagExclude: [' anime '] })
  t.equal(parse({ tag_logic: 'ALL' }).tagLogic, 'all')
  t.equal(parse({ tag_logic: 'xor' }).tagLogic, 'any')
})

t.test('licence filters have their own truth', async (t) => {
  t.notOk('creditRequired' in parse({}))
  for (const [text, expected] of [['true', true], ['1', true], ['x', true], ['false', false], ['False', false], ['0', false], ['', false]] as const) t.equal(parse({ credit_required: text }).creditRequired, expected, text)
  t.equal(parse({ allow_selling_generated_content: 'true' }).allowSelling, true)
})

t.test('hashes of the own type replace the general ones', async (t) => {
  const [checkpoint, embedding] = [modelTypeByName('checkpoint'), modelTypeByName('embedding')]
  t.same(parse({ hash: 'AB', hashes: '["c"]' }).hashes, ['ab'])
  t.same(parse({ hashes: '["A", 3, "b"]' }).hashes, ['a', 'b'])
  t.same(parse({ hashes: 'broken' }).hashes, [])
  t.same(parse({ hash: 'x', lora_hash: ['L', 'L'] }).hashes, ['l'])
  t.same(parse({ lora_hashes: 'A, b,' }).hashes, ['a', 'b'])
  t.same(parse({ lora_hash: 'A' }, checkpoint).hashes, [])
  t.same(parse({ checkpoint_hashes: 'A,B' }, checkpoint).hashes, ['a', 'b'])
  t.same(parse({ hash: 'X', lora_hash: 'A' }, embedding).hashes, ['x'])
})

t.test('name patterns are for LoRAs, hostile keys and lengths are harmless', async (t) => {
  t.same(parse({ name_pattern_include: 'a' }).namePatternInclude, ['a'])
  t.same(parse({ name_pattern_include: 'a' }, modelTypeByName('checkpoint')).namePatternInclude, [])
  t.equal(parse({ search: 'x'.repeat(5000) }).search.length, 1024)
  t.match(parse({ __proto__: 'x', constructor: 'y', toString: 'z' } as RawQuery), { page: 1 })
})

t.test('a query that comes again is read as it was the first time, a wrong one is refused again', async (t) => {
  const read = createListQueryReader(lora)
  for (const raw of [{}, { search: 'a' }, { search: ['a', 'b'] }, { tag_include: ['x', 'y'] }, { tag_include: 'x,y' }]) {
    const spelling = JSON.stringify(raw)
    t.strictSame(read(raw, spelling), parse(raw))
    t.strictSame(read(structuredClone(raw), spelling), parse(raw))
  }
  for (let time = 0; time < 2; time++) t.throws(() => read({ page: 'abc' }, 'abc'), { message: '"page" must be an integer' })
})

import t from 'tap'
import fc from 'fast-check'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { itemsOf, makeIndex, makeModel, makeQuery } from './sample.ts'
import type { Bed } from './sample.ts'
import { expected } from './reference.ts'
import type { Reference } from './reference.ts'
import { relativePaths } from './reference-paths.ts'
import type { IndexedModel } from '../../../../services/models/entry.ts'
import type { ListQuery } from '../../../../services/models/ports.ts'

const NAMES = ['fox', 'Golden_Fox v1.5', 'golden fox', 'style 2', 'style 10', 'Style-02', 'foxes', 'watercolor', 'Watercolour 猫', '猫耳_x', 'a1', 'a01', '', 'Ünï.code']
const FOLDERS = ['', 'a', 'a/b', 'ab', 'Real People', 'a/B']
const TAGS = ['anime', 'Anime', ' style ', 'red fox', 'x', '']

const oneOf = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const model: fc.Arbitrary<IndexedModel> = fc.record({
  id: fc.integer({ min: 1, max: 24 }),
  name: oneOf(NAMES),
  file: oneOf(NAMES.filter((name) => name !== '')),
  folder: oneOf(FOLDERS),
  modified: fc.integer({ min: 0, max: 3 }),
  size: fc.integer({ min: 0, max: 3 }),
  hash: fc.integer({ min: 0, max: 5 }),
  nsfw: oneOf([0, 2, 4, 32]),
  base: oneOf(['Pony', 'SDXL 1.0', '']),
  tags: fc.array(oneOf(TAGS), { maxLength: 3 }),
  license: oneOf([0, 1, 2, 3, 113]),
  group: oneOf([0, 7, 8]),
  version: fc.integer({ min: 0, max: 4 }),
  creator: oneOf(['Foxy', 'x']),
  hf: oneOf(['', 'https://huggingface.co/o/r']),
  favorite: fc.boolean(),
  exclude: oneOf([false, false, false, true])
}).map((own) => makeModel({
  id: own.id,
  file_name: own.file,
  model_name: own.name,
  folder: own.folder,
  // The path of a model that moved differs from that of any other.
  file_path: `/m/loras/${own.folder === '' ? '' : `${own.folder}/`}${own.file}.${own.id}.safetensors`,
  modified: own.modified,
  size: own.size,
  sha256: own.hash === 0 ? '' : String(own.hash).repeat(64),
  autov3: own.hash === 0 ? null : String(own.hash + 1).repeat(12),
  preview_nsfw_level: own.nsfw,
  base_model: own.base,
  tags: own.tags,
  license_flags: own.license,
  civitai: own.group === 0 ? null : { id: own.version, modelId: own.group, creator: { username: own.creator } },
  hf_url: own.hf,
  favorite: own.favorite,
  exclude: own.exclude
}))

const maybe = <T>(value: fc.Arbitrary<T>, otherwise: T): fc.Arbitrary<T> => fc.oneof({ weight: 4, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value })

const query: fc.Arbitrary<ListQuery> = fc.record({
  page: fc.integer({ min: 1, max: 4 }),
  pageSize: fc.integer({ min: 1, max: 9 }),
  key: oneOf(['name', 'name', 'date', 'size', 'usage', 'versions_count', 'other']),
  order: oneOf(['asc', 'desc'] as const),
  folder: maybe<string | undefined>(oneOf(FOLDERS), undefined),
  recursive: fc.boolean(),
  folderInclude: maybe(fc.array(oneOf(FOLDERS), { maxLength: 2 }), []),
  folderExclude: maybe(fc.array(oneOf(FOLDERS.filter((folder) => folder !== '')), { maxLength: 2 }), []),
  search: maybe(oneOf(['fox', 'golden fox', 'n_f', '1.5', 'e', '猫', 'watercolor', 'x style', '_', ' Foxy ', 'ï.c', 'nothing']), ''),
  fuzzy: fc.boolean(),
  searchIn: fc.record({ fileName: fc.boolean(), modelName: fc.boolean(), tags: fc.boolean(), creator: fc.boolean() }),
  baseModels: maybe(fc.array(oneOf(['Pony', '', 'none']), { maxLength: 2 }), []),
  tagInclude: maybe(fc.array(oneOf([...TAGS, '__no_tags__']).filter((tag) => tag !== ''), { maxLength: 3 }), []),
  tagExclude: maybe(fc.array(oneOf([...TAGS, '__no_tags__']).filter((tag) => tag !== ''), { maxLength: 2 }), []),
  tagLogic: oneOf(['any', 'all'] as const),
  favoritesOnly: maybe(fc.boolean(), false),
  updateAvailableOnly: maybe(fc.boolean(), false),
  creditRequired: maybe<boolean | undefined>(fc.boolean(), undefined),
  allowSelling: maybe<boolean | undefined>(fc.boolean(), undefined),
  hashes: maybe(fc.array(oneOf(['1'.repeat(64), '2'.repeat(10), '3'.repeat(12)]), { maxLength: 2 }), []),
  groupByModel: maybe(fc.boolean(), false),
  groupKey: maybe(oneOf(['7', '9', 'hf:o/r']), '')
}).map(({ key, order, folder, creditRequired, allowSelling, ...own }) => makeQuery({
  ...own,
  sort: { key, order, seed: '' },
  ...(folder === undefined ? {} : { folder }),
  ...(creditRequired === undefined ? {} : { creditRequired }),
  ...(allowSelling === undefined ? {} : { allowSelling })
}))

type Step =
  | { kind: 'apply', upsert: IndexedModel[], remove: number[] }
  | { kind: 'query', query: ListQuery }
  | { kind: 'paths', search: string, limit: number, offset: number }
  | { kind: 'prefer', sfwOnly: boolean, nameDisplay: 'model_name' | 'file_name', versionGrouping: 'same_base' | 'any' }
  | { kind: 'prepare' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('apply' as const), upsert: fc.array(model, { maxLength: 8 }), remove: fc.array(fc.integer({ min: 1, max: 24 }), { maxLength: 3 }) }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('query' as const), query }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('paths' as const), search: oneOf(['', 'fox', 'a/', 'a fox', 'b/g', 's -fox', '猫', '1', 'style 2', '/']), limit: fc.integer({ min: 1, max: 6 }), offset: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prefer' as const), sfwOnly: fc.boolean(), nameDisplay: oneOf(['model_name', 'file_name'] as const), versionGrouping: oneOf(['same_base', 'any'] as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prepare' as const) }) }
)

function createReference (bed: Bed, models: Map<number, IndexedModel>): () => Reference {
  return () => ({ models: [...models.values()], preferences: bed.preferences, usage: bed.usage.count, update: bed.updates.available })
}

function applyTo (models: Map<number, IndexedModel>, upsert: readonly IndexedModel[], remove: readonly number[]): void {
  for (const id of remove) models.delete(id)
  for (const one of upsert) models.set(one.id, one)
}

function difference (bed: Bed, reference: Reference, asked: ListQuery): string | null {
  const all = expected(reference, asked)
  const wanted = all.slice((asked.page - 1) * asked.pageSize, asked.page * asked.pageSize).map(({ model: one, versions }) => [one.file_path, versions])
  const items = itemsOf(bed.index, asked).map((item) => [item.file_path, item.version_count])
  const total = bed.index.list(asked).total
  return JSON.stringify(items) === JSON.stringify(wanted) && total === all.length ? null : `got ${JSON.stringify(items)} of ${total}\nnot ${JSON.stringify(wanted)} of ${all.length}`
}

t.test('any sequence of changes and queries answers as the rules written down plainly', async (t) => {
  let compared = 0
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
    const bed = makeIndex()
    bed.usage.counts.set('1'.repeat(64), 3).set('2'.repeat(64), 1)
    bed.updates.modelIds.add(7)
    const models = new Map<number, IndexedModel>()
    const reference = createReference(bed, models)
    for (const one of steps) {
      if (one.kind === 'apply') {
        applyTo(models, one.upsert, one.remove)
        bed.index.apply(one)
      } else if (one.kind === 'query') {
        const found = difference(bed, reference(), one.query)
        if (found !== null) throw new Error(found)
      } else if (one.kind === 'paths') {
        const found = JSON.stringify(bed.index.relativePaths(makeQuery(), false, one.search, one.limit, one.offset))
        const wanted = JSON.stringify(relativePaths([...models.values()].filter(({ exclude }) => !exclude), one.search).slice(one.offset, one.offset + one.limit))
        if (found !== wanted) throw new Error(`got ${found}\nnot ${wanted}`)
      } else if (one.kind === 'prefer') Object.assign(bed.preferences, one)
      else await bed.index.prepare()
      compared++
    }
  }), { numRuns: 400 })
  t.ok(compared > 1000, `${compared} steps`)
})

t.test('a large index stays right while it is prepared and changed in turns', async (t) => {
  const bed = makeIndex()
  const models = new Map<number, IndexedModel>()
  const reference = createReference(bed, models)
  const [some] = fc.sample(fc.array(model, { minLength: 1500, maxLength: 1500, size: 'max' }), { seed: 5, numRuns: 1 })
  const many = (some ?? []).map((one, i) => ({ ...one, id: i + 1, file_path: one.file_path.replace(/\d+\.safe/, `${i}.safe`), modified: one.modified * i % 977, model_name: `${one.model_name} ${i % 311}` }))
  const queries = fc.sample(query, { seed: 6, numRuns: 60 }).map((one) => ({ ...one, pageSize: 50, groupByModel: false }))
  const change = (upsert: IndexedModel[], remove: number[] = []): void => {
    applyTo(models, upsert, remove)
    bed.index.apply({ upsert, remove })
  }
  const check = (round: number): void => {
    const asked = queries[round % queries.length] as ListQuery
    t.equal(difference(bed, reference(), asked), null, `round ${round}: ${asked.sort.key} ${asked.search}`)
  }
  change(many)
  for (let round = 0; round < 30; round++) {
    const preparing = bed.index.prepare()
    for (let turn = 0; turn < 4; turn++) {
      await nextTurn()
      const moved = many.slice(round * 37 % 1400, round * 37 % 1400 + 60 + (round % 5) * 250).map((one, i) => ({ ...one, model_name: `${one.model_name}${round}`, modified: (one.modified * 31 + turn) % 1009, file_name: i % 2 === 0 ? one.file_name : `${one.file_name} r${round}` }))
      change(moved, [1 + (round * 13 + turn) % 1500])
      if (turn % 2 === round % 2) check(round)
    }
    await preparing
    check(round + 7)
  }
})

t.test('while many models come, lists have them all, and their order is right when they are there', async (t) => {
  const bed = makeIndex()
  const models = new Map<number, IndexedModel>()
  const [some] = fc.sample(fc.array(model, { minLength: 5000, maxLength: 5000, size: 'max' }), { seed: 8, numRuns: 1 })
  const many = (some ?? []).map((one, i) => ({ ...one, id: i + 1, exclude: false, preview_nsfw_level: 0, file_path: `${one.file_path}${i}`, model_name: `${one.model_name} ${i % 311}` }))
  const ask = (over: Partial<ListQuery> = {}): ListQuery => ({ ...makeQuery(), pageSize: 100, ...over })
  const reference = createReference(bed, models)
  bed.index.bulk(true)
  for (let at = 0; at < many.length; at += 500) {
    const upsert = many.slice(at, at + 500)
    applyTo(models, upsert, [])
    bed.index.apply({ upsert })
    const drop = at % 1000 === 0 ? [at + 1] : []
    applyTo(models, [], drop)
    bed.index.apply({ remove: drop })
    for (const key of ['name', 'date', 'cache']) {
      const page = bed.index.list(ask({ sort: { key, order: 'asc', seed: '' } }))
      t.equal(page.total, models.size)
    }
    t.equal(new Set(bed.index.select(ask())).size, models.size, 'each once')
    t.equal(bed.index.select(ask({ search: 'a', searchIn: { fileName: true, modelName: true, tags: true, creator: true } })).length, bed.index.select(ask({ search: 'A', searchIn: { fileName: true, modelName: true, tags: true, creator: true } })).length)
    if (at === 3000) await bed.index.prepareNames()
    if (at === 4000) bed.index.prepareNames().catch(t.error)
  }
  bed.index.bulk(false)
  for (const key of ['name', 'date', 'size']) t.equal(difference(bed, reference(), ask({ sort: { key, order: 'asc', seed: '' } })), null, key)
  t.equal(difference(bed, reference(), ask({ search: 'a', searchIn: { fileName: true, modelName: true, tags: true, creator: true } })), null)
})

t.test('an order that is known from before is taken up when all models are there, and lists meanwhile have them all', async (t) => {
  const [some] = fc.sample(fc.array(model, { minLength: 5000, maxLength: 5000, size: 'max' }), { seed: 9, numRuns: 1 })
  const many = (some ?? []).map((one, i) => ({ ...one, id: i + 1, exclude: false, preview_nsfw_level: 0, file_path: `${one.file_path}${i}`, model_name: `${one.model_name} ${i % 311}` }))
  const query: ListQuery = { ...makeQuery(), pageSize: 100, sort: { key: 'name', order: 'asc', seed: '' } }
  const before = makeIndex()
  before.index.apply({ upsert: many.map((one) => ({ ...one })) })
  await before.index.prepareNames()
  const known = before.index.nameOrder() ?? new Uint32Array(0)

  const bed = makeIndex()
  const models = new Map<number, IndexedModel>()
  const change = (upsert: IndexedModel[], remove: number[]): void => {
    applyTo(models, upsert, remove)
    bed.index.apply({ upsert, remove })
    t.equal(bed.index.list(query).total, models.size)
    t.equal(new Set(bed.index.select(query)).size, models.size, 'each once')
  }
  bed.index.bulk(true, { sortsLater: true })
  for (let at = 0; at < many.length; at += 500) change(many.slice(at, at + 500), at % 1000 === 0 ? [at + 1] : [])
  t.notSame(bed.index.nameOrder(), known, 'nothing was sorted yet')
  // Meanwhile some have got other names, and one is gone.
  change(many.slice(100, 200).map((one, i) => ({ ...one, model_name: `${i}${one.model_name}` })), [77])
  const sorting = bed.index.prepareNames(Uint32Array.of(999_999, ...known))
  change([], [4321])
  await sorting
  bed.index.bulk(false)
  t.equal(difference(bed, createReference(bed, models)(), query), null)
})

import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { IndexedModel } from '../../../services/models/entry.ts'
import { naturalKey } from '../../../services/models/natural-key.ts'
import { canonicalCheckpoint, readCheckpoint } from '../../../services/recipes/checkpoint-entry.ts'
import { fillFromLibrary } from '../../../services/recipes/fill-from-library.ts'
import { fingerprint, resolveFingerprint } from '../../../services/recipes/fingerprint.ts'
import { floatText } from '../../../services/recipes/float-text.ts'
import { editRecipeText, parseRecipeFile, readRecipe } from '../../../services/recipes/recipe-file.ts'
import { createRecipeIndex } from '../../../services/recipes/recipe-index.ts'
import { createRecipeSearch } from '../../../services/recipes/recipe-search.ts'
import { numbersOf, type RecipeFacts } from '../../../services/recipes/recipe-row.ts'
import { factsOf, type StoredRecipe } from '../../../services/recipes/recipe-store.ts'
import type { RecipeDocument } from '../../../services/recipes/schema.ts'
import { createSharedFiles } from '../../../services/recipes/shared-files.ts'
import { shareName } from '../../../services/recipes/share-name.ts'
import { randomOrder } from '../../../services/recipes/random-order.ts'

t.test('a fingerprint is made of what counts, in code point order, rounded half to even', async (t) => {
  const table: [Record<string, unknown>[], string][] = [
    [[{ hash: 'B2', strength: 1 }, { hash: 'a1', strength: 0.8 }, { hash: '', modelVersionId: 77, strength: '0.333' }, { hash: 'c3', weight: 0.5, exclude: true }, { name: 'x' }], '77:0.33|a1:0.8|b2:1.0'],
    [[{ hash: 'aa', strength: null, weight: 0.4 }, { hash: 'aa', weight: 0.4 }, { hash: null, modelVersionId: '12', strength: -0.001 }, { hash: '10', strength: 10 }], '10:10.0|12:-0.0|aa:0.4|aa:1.0'],
    [[{ hash: 'zz', strength: 1.0 }, { hash: 'zz', strength: 0.5 }], 'zz:0.5|zz:1.0'],
    [[{ hash: '', modelVersionId: 2639467, strength: 1, isDeleted: true }], '2639467:1.0'],
    [[{ hash: '', modelVersionId: 0 }], ''],
    [[], ''],
    [[{ id: 9, weight: 0.5 }], '9:0.5']
  ]
  for (const [loras, expected] of table) t.equal(fingerprint(loras), expected)
  for (const [strength, text] of [[0.125, '0.12'], [0.375, '0.38'], [0.625, '0.62'], [0.875, '0.88'], [2.675, '2.67'], [-0.125, '-0.12'], [-0.375, '-0.38'], [1.005, '1.0']] as const) t.equal(fingerprint([{ hash: 'h', strength }]), `h:${text}`)
  t.equal(resolveFingerprint('b:1.0|77:0.5', (key) => key === '77' ? 'c' : 'a'), 'a:1.0|c:0.5')
  t.equal(floatText(-0), '-0.0')
})

t.test('no list of entries makes a fingerprint throw or depend on its order', async () => {
  const entry = fc.record({ hash: fc.oneof(fc.string(), fc.anything()), strength: fc.anything(), modelVersionId: fc.anything(), exclude: fc.boolean() }, { requiredKeys: [] })
  fc.assert(fc.property(fc.array(entry, { maxLength: 5 }), (loras) => fingerprint(loras) === fingerprint([...loras].reverse())))
})

t.test('checkpoints of every age are read, and written in one form', async (t) => {
  t.strictSame(readCheckpoint('models\\base.safetensors'), { name: 'models\\base.safetensors', file_name: 'base' })
  t.strictSame(readCheckpoint([{ name: 'x' }]), { name: 'x' })
  for (const nothing of [null, 5, [], [1, 2], {}, '']) t.equal(readCheckpoint(nothing), undefined)
  t.strictSame(canonicalCheckpoint({ type: 'checkpoint', modelId: 1, modelVersionId: 2, modelName: 'M', modelVersionName: 'v', inLibrary: true, own: 1 }), {
    type: 'checkpoint', id: 2, modelId: 1, modelVersionId: 2, name: 'M', modelName: 'M', version: 'v', modelVersionName: 'v', hash: '', file_name: '', own: 1
  })
})

t.test('an edit changes what it means to change and leaves every other byte of the file', async (t) => {
  const text = '\ufeff{\n    "zebra": 1.0,\n    "id": "r",\n    "file_path": "/old/r.webp",\n    "title": "T",\n    "seed": 12345678901234567890,\n    "checkpoint": "base.safetensors",\n    "base_model": null,\n    "loras": [\n        {"name": "x", "weight": 1.0}\n    ]\n}'
  const file = parseRecipeFile(Buffer.from(text))
  if ('problem' in file) return t.fail(file.problem)
  const before = readRecipe(file.raw, { imagePath: '/new/r.webp', folder: 'a' })
  const after: RecipeDocument = { ...before, title: 'Ünïcode 水' }
  t.equal(editRecipeText(file, before, after), text.slice(1).replace('"T"', '"Ünïcode 水"'))
  t.match(editRecipeText(file, before, { ...before, favorite: true, tags: ['a'] }), /"name": "x", "weight": 1\.0[\s\S]*"favorite": true[\s\S]*"tags"/)
  t.strictSame([before.checkpoint, before.base_model, before.gen_params], [{ name: 'base.safetensors', file_name: 'base' }, '', {}])
  for (const bad of ['', '[]', '{"id":1}', '{"id":"../x","file_path":"","title":""}', 'null']) t.ok('problem' in parseRecipeFile(Buffer.from(bad)), bad)
})

t.test('words are found by their beginning, all in one column, and scripts without spaces anywhere', async (t) => {
  const search = createRecipeSearch()
  const texts = { title: 'path_ink of a Red Fox', tags: 'sci fi', loraName: 'v1.5/a_b', loraModel: 'don\'t', prompt: 'ink, Café 山水画', negative: 'blurry' }
  search.put(0, texts)
  search.put(1, { ...texts, title: 'other', prompt: '' })
  const all = ['title', 'tags', 'loraName', 'loraModel', 'prompt', 'negative'] as const
  const found = (query: string, columns: readonly (typeof all)[number][] = all): number[] => [...search.find(query, columns, 2)].flatMap((hit, slot) => hit ? [slot] : [])
  t.strictSame(found('red'), [0])
  for (const query of ['fox', 'red-fox', 'path', 'cafe', 'CAFÉ', '水画', '(red', 'ink fox']) t.strictSame(found(query), [0], query)
  for (const query of ['sci fi', 'v1.5', 'don\'t', 'a/b', 'blurry']) t.strictSame(found(query), [0, 1], query)
  for (const query of ['ath', 'red blurry', '%%']) t.strictSame(found(query), [], query)
  t.strictSame(found('ink', ['prompt']), [0])
  t.strictSame(found('fox', ['prompt']), [])
  search.put(0, { ...texts, title: 'changed' })
  t.strictSame(found('fox'), [])
  search.drop(1)
  t.strictSame(found('sci'), [0])
})

t.test('the search index forgets what thousands of edits left behind', async (t) => {
  const search = createRecipeSearch()
  const blank = { title: '', tags: '', loraName: '', loraModel: '', prompt: '', negative: '' }
  for (let round = 0; round < 9000; round++) search.put(round % 3, { ...blank, title: `word${round}` })
  t.strictSame([...search.find('word8999', ['title'], 3)], [0, 0, 1])
  t.strictSame([...search.find('word5', ['title'], 3)], [0, 0, 0])
  t.strictSame([...search.find('word', ['title'], 3)], [1, 1, 1])
})

function row (id: number, recipeId: string, over: Partial<RecipeFacts> = {}): StoredRecipe {
  const facts = { title: recipeId, baseModel: '', favorite: false, level: 0, modified: id, created: 0, tags: [], source: '', fingerprint: '', hashes: [], versions: [], names: [], checkpoint: '', checkpointVersion: 0, imageId: '', ...over }
  const image = { path: `/${recipeId}.webp`, size: 1, mtimeMs: 1, width: null, height: null, hasWorkflow: false }
  return { id, jsonPath: `/${id}/${recipeId}.recipe.json`, recipeId, folder: '', size: 1, mtime: id, image, moved: false, ...numbersOf(facts), facts, date: facts.modified || facts.created, titleKey: null }
}

t.test('of two files with one id the newer is shown, and the other when that goes', async (t) => {
  const index = createRecipeIndex()
  t.strictSame(index.apply({ upsert: [row(1, 'a'), row(2, 'a', { tags: ['new'] })] }).map(({ id, shown }) => [id, shown]), [['a', '/2/a.recipe.json']])
  t.equal(index.size, 1)
  t.equal(index.get('a')?.id, 2)
  t.equal(index.postings.tag.get('new').size, 1)
  index.apply({ remove: [2] })
  t.equal(index.get('a')?.id, 1)
  t.equal(index.postings.tag.get('new').size, 0)
  index.apply({ remove: [1] })
  t.equal(index.size, 0)
})

function shuffled (index: ReturnType<typeof createRecipeIndex>, seed: string): number[] {
  const { slots, settle } = randomOrder(index, index.byDate.slots(), seed)
  settle(0, slots.length)
  return [...slots]
}

const titleAt = (entry: StoredRecipe | undefined): string => naturalKey(entry ? factsOf(entry).title : '')

t.test('orders stay right while recipes come, change and go', async () => {
  const change = fc.record({ id: fc.integer({ min: 1, max: 12 }), title: fc.constantFrom('a2', 'a10', 'B', 'b', ''), modified: fc.integer({ min: 0, max: 5 }), gone: fc.boolean() })
  fc.assert(fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
    const index = createRecipeIndex()
    for (const { id, title, modified, gone } of changes) {
      index.apply(gone ? { remove: [id] } : { upsert: [row(id, `r${id}`, { title, modified })] })
      const titles = index.byTitle.slots().map((slot) => titleAt(index.at(slot)))
      const dates = index.byDate.slots().map((slot) => index.at(slot)?.date ?? 0)
      if (titles.length !== index.size || titles.some((key, at) => at > 0 && key < (titles[at - 1] ?? '')) || dates.some((date, at) => at > 0 && date > (dates[at - 1] ?? 0))) return false
    }
    const whole = shuffled(index, 's')
    return new Set(whole).size === index.size && String(whole) === String(shuffled(index, 's'))
  }), { numRuns: 60 })
})

t.test('what recipes are found by is right when they change while it is prepared', async (t) => {
  const found = (index: ReturnType<typeof createRecipeIndex>): unknown => [...index.postings.tag.keys()].sort().map((tag) => [tag, [...index.postings.tag.get(tag)].map((slot) => index.at(slot)?.recipeId).sort()])
  const prepared = createRecipeIndex()
  prepared.apply({ upsert: [row(1, 'a', { tags: ['x'] }), row(2, 'b', { tags: ['x', 'y'] }), row(3, 'c', { tags: ['y'] }), row(4, 'd', { tags: ['z'] })] })
  const ready = prepared.postings.prepare()
  prepared.apply({ upsert: [row(1, 'a', { tags: ['w'] }), row(4, 'd', { tags: ['y'] }), row(5, 'e', { tags: ['x'] })], remove: [3] })
  await ready
  prepared.apply({ upsert: [row(6, 'f', { tags: ['w'] })] })
  t.same(found(prepared), [['w', ['a', 'f']], ['x', ['b', 'e']], ['y', ['b', 'd']]])
  const emptied = prepared.postings.prepare()
  prepared.clear()
  await emptied
  t.same(found(prepared), [])
})

t.test('downloads are named by the title in plain letters', async (t) => {
  t.equal(shareName('My Recipe!', 'x', '.webp'), 'recipe_my_recipe.webp')
  t.equal(shareName('  Café — Olé ', 'x', '.webp'), 'recipe_cafe_ole.webp')
  t.equal(shareName('日本語', '86b4-AB', '.webp'), 'recipe_86b4-ab.webp')
  t.equal(shareName('Bad\rTitle\n../', 'x', '.png'), 'recipe_bad_title.png')
  t.equal(shareName('水', '画', '.webp'), 'recipe_recipe.webp')
})

t.test('a recipe is told hash and file name by the library, and nothing else of it changes', async (t) => {
  const model = { sha256: 'AA'.repeat(32), file_name: 'kite', model_name: 'Kite' } as IndexedModel
  const loras = { byHash: (hash: string) => 'AA'.repeat(32).startsWith(hash.toUpperCase()) ? [model] : [], byVersionId: (id: number) => id === 9 ? [model] : [] }
  const filled = (...entries: Record<string, unknown>[]): unknown => fillFromLibrary({ id: 'r', title: 'R', file_path: '', gen_params: {}, loras: entries }, loras)?.loras ?? null
  const hash = 'aa'.repeat(32)
  t.strictSame(filled({ modelVersionId: '9', file_name: 'old', modelName: 'Mine' }), [{ modelVersionId: '9', file_name: 'old', modelName: 'Mine', hash }])
  t.strictSame(filled({ hash: 'AAAAAAAAAA', file_name: '', x: 1 }), [{ hash: 'AAAAAAAAAA', file_name: 'kite', x: 1 }])
  for (const entry of [{ hash, file_name: 'old' }, { hash: 'bb', file_name: '' }, { modelVersionId: 9, isDeleted: true }, { modelVersionId: 8 }, { file_name: 'kite' }]) t.equal(filled(entry), null, JSON.stringify(entry))
})

t.test('what was shared can be downloaded for five minutes, then it is gone from the disk too', async (t) => {
  const directory = t.testdir({ 'a.mp4': 'moving', shared: {} })
  let now = 0
  const shared = createSharedFiles({ directory: `${directory}/shared`, now: () => now })
  t.teardown(() => { shared.close() })
  const recipe = { document: { id: 'a', title: 'A', file_path: '', gen_params: {}, loras: [] }, jsonPath: '', imagePath: `${directory}/a.mp4`, folder: '' }
  await shared.share(recipe)
  await shared.share(recipe)
  t.equal(readdirSync(`${directory}/shared`).length, 1, 'the newer one takes the place of the older')
  now = 299_999
  const { body, size } = await shared.open('a')
  t.equal(size, 6)
  t.equal((await body.toArray()).join(''), 'moving')
  now = 300_000
  await t.rejects(shared.open('a'), { kind: 'not-found', code: 'share-expired' })
  t.strictSame(readdirSync(`${directory}/shared`), [])
})

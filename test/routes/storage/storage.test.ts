import { FormatRegistry } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { createHash } from 'node:crypto'
import { linkSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { storageSchema } from '../../../routes/storage/schemas.ts'
import { findStorage, type WeighedModel } from '../../../services/models/storage-findings.ts'
import { modelBytes, putFile, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'

FormatRegistry.Set('date-time', (text) => !Number.isNaN(Date.parse(text)))

interface Finding { id: string, kind: string, title: string, bytes: number, sure: boolean, models: { file_path: string, size: number, keep: boolean }[], files: { path: string, size: number }[] }
interface Page { items: Finding[], next: string | null, summary: { kind: string, items: number, files: number, bytes: number }[], usage_known: boolean }

const page = async (run: RunningApp, query = ''): Promise<Page> => (await run.get(`/api/v1/storage${query}`)).json as unknown as Page

/** A safetensors file whose tensors are the same whatever its header says. */
function sameTensors (note: string): Buffer {
  const header = Buffer.from(JSON.stringify({ __metadata__: { note }, w: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.from([1, 2, 3, 4])])
}

t.test('copies, same weights, older versions, unused models and orphans are found, with what they take', async (t) => {
  const used = sha256Of(modelBytes('used'))
  const run = await runningApp(t, {
    prepare ({ loras, checkpoints }, directory) {
      const bytes = modelBytes('twin')
      putModel(loras, 'twin', { civitai: { id: 5, modelId: 50 } })
      putFile(join(loras, 'deep/twin copy.safetensors'), bytes)
      putModel(checkpoints, 'twin')
      for (const [name, version, base] of [['old', 1, 'Pony'], ['newest', 3, 'Pony'], ['middle', 2, 'Pony'], ['other-base', 1, 'Flux']] as const) putModel(loras, `versions/${name}`, { base_model: base, civitai: { id: version, modelId: 7 } })
      putFile(join(loras, 'w1.safetensors'), sameTensors('first'))
      putFile(join(loras, 'w2.safetensors'), sameTensors('second, with more text'))
      putModel(loras, 'used')
      linkSync(join(loras, 'used.safetensors'), join(loras, 'used-link.safetensors'))
      putModel(loras, 'model.v1')
      for (const name of ['gone.metadata.json', 'gone.metadata.json.bak', 'gone.preview.png', 'gone.civitai.info', 'art/lonely.webp', 'model.v1.preview.png', 'model.v1.example.0.jpeg', 'model.v1.extra.png', 'readme.txt']) putFile(join(loras, name), 'x'.repeat(10))
      putFile(join(loras, 'recipes/recipe.webp'), 'a picture of a recipe')
      putFile(join(loras, '.modelshelf-trash/abc/thrown.metadata.json'), '{}')
      putFile(join(directory, 'settings/stats/lora_manager_stats.json'), JSON.stringify({ loras: { [used]: { total: 3, history: {} } } }))
    }
  })
  const before = readdirSync(run.roots.loras, { recursive: true }).sort()
  const all = await page(run, '?limit=200')
  t.same([...Value.Errors(storageSchema.response[200], all)].map(({ path, message }) => `${path} ${message}`), [])
  t.ok(all.usage_known)
  const of = (kind: string) => all.items.filter((item) => item.kind === kind)
  const names = (paths: { file_path?: string, path?: string }[]) => paths.map((one) => (one.file_path ?? one.path ?? '').slice(run.directory.length + 1)).sort()

  const [twins, ...more] = of('duplicate')
  t.same(more, [], 'a hard link is no copy')
  const size = modelBytes('twin').length
  t.match(twins, { bytes: 2 * size, sure: true })
  t.same(names(twins?.models ?? []), ['checkpoints/twin.safetensors', 'loras/deep/twin copy.safetensors', 'loras/twin.safetensors'])
  t.same(names(twins?.models.filter(({ keep }) => keep) ?? []), ['loras/twin.safetensors'], 'the one with its place on CivitAI stays')
  t.same(of('same-weights').map(({ models, sure }) => [names(models), sure]), [[['loras/w1.safetensors', 'loras/w2.safetensors'], true]])
  t.same(of('superseded').map(({ models }) => [names(models.filter(({ keep }) => keep)), names(models.filter(({ keep }) => !keep))]), [[['loras/versions/newest.safetensors'], ['loras/versions/middle.safetensors', 'loras/versions/old.safetensors']]])
  const unused = names(of('unused').flatMap(({ models }) => models))
  t.notOk(unused.some((name) => name.startsWith('loras/used')))
  t.ok(unused.includes('loras/versions/old.safetensors'))
  t.same(of('orphan').map(({ files, sure, bytes }) => [names(files), sure, bytes]).sort(), [
    [['loras/art/lonely.webp'], false, 10],
    [['loras/gone.civitai.info', 'loras/gone.metadata.json', 'loras/gone.metadata.json.bak', 'loras/gone.preview.png'], true, 40]
  ])
  t.match(all.summary.find(({ kind }) => kind === 'duplicate'), { items: 1, files: 2, bytes: 2 * size })
  t.same(all.items.map(({ bytes }) => bytes), all.items.map(({ bytes }) => bytes).sort((a, b) => b - a), 'what frees most comes first')
  t.same(readdirSync(run.roots.loras, { recursive: true }).sort(), before, 'nothing was touched')

  const seen: string[] = []
  for (let next: string | null = null, first = true; first || next !== null; first = false) {
    const part: Page = await page(run, `?limit=2${next === null ? '' : `&after=${next}`}`)
    t.ok(part.items.length <= 2)
    seen.push(...part.items.map(({ id }) => id))
    next = part.next
  }
  t.same(seen, all.items.map(({ id }) => id), 'pages are the whole, in order')
  t.same((await page(run, '?kind=orphan&limit=1')).items.map(({ kind }) => kind), ['orphan'])
  t.match(await run.get('/api/v1/storage?kind=nonsense'), { status: 400, json: { code: 'storage-kind' } })
  t.match(await run.get('/api/v1/storage?after=0000000000000000'), { status: 409, json: { code: 'page-gone' } })

  const [copy] = twins?.models.filter(({ keep }) => !keep) ?? []
  const prefix = copy?.file_path.startsWith(run.roots.loras) ? 'loras' : 'checkpoints'
  t.equal((await run.post(`/api/lm/${prefix}/delete`, { file_path: copy?.file_path })).status, 200)
  t.match((await page(run, '?kind=duplicate')).items, [{ bytes: size }], 'the advice follows a change')
})

t.test('while nothing counts uses, nothing is called unused', async (t) => {
  const run = await runningApp(t, { prepare: ({ loras }) => { putModel(loras, 'a') } })
  t.match(await page(run), { usage_known: false, items: [], next: null })
})

const model = (over: Partial<WeighedModel> & { path: string }): WeighedModel => ({ type: 'lora', sha256: createHash('sha256').update(over.path).digest('hex'), claimedAutov3: '', base: 'Pony', title: over.path, modelId: 0, versionId: 0, favorite: false, uses: 0, size: 10, identity: over.path, tensorHash: '', ...over })

t.test('of copies stays the favourite, then the one known to CivitAI, then the most used, then the shorter path', (t) => {
  const kept = (models: WeighedModel[]) => findStorage(models.map((one) => ({ ...one, sha256: 'same' })), [], false)[0]?.models.find(({ keep }) => keep)?.file_path
  t.equal(kept([model({ path: 'a' }), model({ path: 'bb', versionId: 1, modelId: 1 }), model({ path: 'ccc', favorite: true })]), 'ccc')
  t.equal(kept([model({ path: 'a', uses: 9 }), model({ path: 'bb', versionId: 1, modelId: 1 })]), 'bb')
  t.equal(kept([model({ path: 'a' }), model({ path: 'bb', uses: 1 })]), 'bb')
  t.equal(kept([model({ path: 'bb' }), model({ path: 'a' })]), 'a')
  t.end()
})

t.test('weights that only headers call the same are not sure; favourites are never called unused', (t) => {
  const claimed = findStorage([model({ path: 'a', claimedAutov3: 'abcdefabcdef' }), model({ path: 'b', tensorHash: 'abcdefabcdef' })], [], true)
  t.match(claimed.find(({ kind }) => kind === 'same-weights'), { sure: false })
  t.same(findStorage([model({ path: 'a', favorite: true }), model({ path: 'b', uses: 2 })], [], true), [])
  t.same(findStorage([model({ path: 'a' })], [], true).map(({ kind, bytes }) => [kind, bytes]), [['unused', 10]])
  t.end()
})

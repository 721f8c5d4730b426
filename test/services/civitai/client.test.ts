import t from 'tap'
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { createCivitaiClient } from '../../../services/civitai/client.ts'
import { createDoor } from '../../../services/network/door.ts'
import { createProviders } from '../../../services/providers/providers.ts'
import { civitaiDouble } from '../../helpers/civitai/double.ts'
import type { NewFile } from '../../helpers/civitai/catalogue.ts'
import { handClock } from '../../helpers/hand-clock.ts'

const fileOf = (n: number, more: Partial<NewFile> = {}): NewFile => ({ name: `model ${n}.safetensors`, source: { bytes: Buffer.from(`weights ${n}`) }, ...more })
const hashOf = (n: number): string => createHash('sha256').update(`weights ${n}`).digest('hex')

async function start (t: Test, settings: Record<string, unknown> = {}) {
  const double = await civitaiDouble(t, { apiKey: 'canary-key' })
  const values: Record<string, unknown> = { civitai_api_key: 'canary-key', provider_base_urls: double.providerBaseUrls, ...settings }
  const source = { get: <T>(key: string) => values[key] as T, directory: t.testdir({}) }
  const clock = handClock()
  clock.rush = true
  const door = createDoor({ settings: source, logger: { warn () {} }, clock, random: () => 0.5 })
  t.teardown(() => door.close())
  const { civitai } = createProviders({ door, settings: source, openArchive: () => { throw new Error('there is none') }, warn: (message) => { t.fail(message) } })
  return { double, civitai, clock, values, door }
}

t.test('versions come with what their model knows, by hash, by id and as the first of a model', async (t) => {
  const { double, civitai } = await start(t)
  const { model, version } = await double.catalogue.add(fileOf(1, { tags: ['one', 'two'], creator: 'mia', autov3: 'abcdef012345' }))
  const newer = await double.catalogue.add(fileOf(2, { modelId: model.id }))
  for (const hash of [hashOf(1), hashOf(1).toUpperCase(), hashOf(1).slice(0, 10), 'ABCDEF012345']) {
    t.match(await civitai.enrichedByHash(hash), {
      kind: 'found',
      value: { complete: true, version: { id: version.id, modelId: model.id, creator: { username: 'mia' }, model: { type: 'LORA', tags: ['one', 'two'], description: /tests/, allowNoCredit: true, allowCommercialUse: '{Image,RentCivit}' } } }
    }, hash)
  }
  const [first] = [await civitai.enriched({ modelId: model.id })]
  t.match(first, { kind: 'found', value: { version: { id: newer.version.id, usageControl: 'Download' } } })
  t.equal(JSON.stringify(first).includes('"comfy"'), false, 'graphs are dropped')
  t.match(await civitai.enriched({ versionId: version.id }), { kind: 'found', value: { version: { id: version.id } } })
  t.match(await civitai.enriched({ versionId: version.id, modelId: model.id }), { kind: 'found' })
  t.match(await civitai.enriched({ versionId: version.id, modelId: 1 }), { kind: 'not-found' }, 'never silently the version of another model')
  t.match(await civitai.enriched({ versionId: 999, modelId: model.id }), { kind: 'not-found' }, 'nor another version of the model')
})

t.test('what was answered in full is kept for a while, and takers get copies', async (t) => {
  const { double, civitai } = await start(t)
  await double.catalogue.add(fileOf(1))
  const first = await civitai.enrichedByHash(hashOf(1))
  if (first.kind === 'found') first.value.version.name = 'changed'
  const asked = double.count()
  t.match(await civitai.enrichedByHash(hashOf(1)), { kind: 'found', value: { version: { name: 'v1.0' } } })
  t.equal(double.count(), asked)
  await double.catalogue.add(fileOf(2))
  double.faults.next('GET /api/v1/models/*', { status: 500 }, 3)
  t.match(await civitai.enrichedByHash(hashOf(2)), { kind: 'found', value: { complete: false } })
})

t.test('two thousand models need twenty questions for all records, and one for their ids', async (t) => {
  const { double, civitai } = await start(t)
  for (let n = 0; n < 2000; n++) await double.catalogue.add({ name: `${n}.safetensors`, source: { bytes: Buffer.alloc(1) }, sha256: hashOf(n), size: 1 })
  const hashes = Array.from({ length: 2000 }, (_, n) => hashOf(n))
  const versions = await civitai.versionsByHash([...hashes, hashOf(5000), 'nonsense'], { patienceMs: 60_000 })
  t.equal(versions.kind === 'found' && versions.value.length, 2000)
  t.equal(double.count('POST /api/v1/model-versions/by-hash'), 21)
  const ids = await civitai.idsByHash([...hashes, ...hashes])
  t.equal(ids.kind === 'found' && ids.value.length, 2000)
  t.equal(double.count('POST /api/v1/model-versions/by-hash/ids'), 1)
  const models = await civitai.models([...double.catalogue.models.keys(), 5])
  t.equal(models.kind === 'found' && models.value.size, 2000)
  t.equal(double.count('GET /api/v1/models'), 21)
})

t.test('a remote state is an outcome, and only a 404 of the API itself says that something is not there', async (t) => {
  const { double, civitai, clock, values } = await start(t)
  const ask = async (fault: object, times = 1) => {
    double.faults.clear()
    double.faults.next('GET /api/v1/models/1', fault, times)
    return await civitai.model(1)
  }
  t.match(await civitai.model(1), { kind: 'not-found' })
  t.match(await ask({ status: 404, html: true }), { kind: 'invalid' }, 'a page of a proxy')
  t.match(await ask({ status: 404, body: 'not found' }), { kind: 'invalid' })
  t.match(await ask({ html: true }), { kind: 'invalid' })
  t.match(await ask({ body: '{"id":1' }), { kind: 'invalid' })
  t.match(await ask({ body: ['a list'] }), { kind: 'invalid' })
  t.match(await ask({ body: { id: 'x' } }), { kind: 'invalid' })
  t.match(await ask({ status: 400 }), { kind: 'invalid' })
  t.match(await ask({ status: 302, location: '/elsewhere' }), { kind: 'invalid' })
  t.match(await ask({ status: 401 }), { kind: 'unauthorized' })
  t.match(await ask({ status: 403, html: true }), { kind: 'unauthorized' })
  t.match(await ask({ status: 502 }, 3), { kind: 'unavailable', offline: false })
  t.match(await ask({ reset: true }, 3), { kind: 'unavailable', offline: false })
  t.match(await ask({ cutAfter: 5, body: { id: 1 } }, 3), { kind: 'unavailable' })
  t.match(await ask({ status: 502 }, 2), { kind: 'not-found' }, 'the third try counts')
  t.match(await ask({ status: 429, retryAfter: 600 }), { kind: 'rate-limited', retryAfter: 600 })
  const asked = double.count()
  t.match(await civitai.model(2), { kind: 'rate-limited', retryAfter: 600 }, 'the host is left alone meanwhile')
  t.equal(double.count(), asked)
  clock.advance(600_000)
  t.match(await civitai.model(2), { kind: 'not-found' })
  values.offline_mode = true
  t.match(await civitai.model(2), { kind: 'unavailable', offline: true, message: /offline/ })
  values.offline_mode = false
  const controller = new AbortController()
  controller.abort(new Error('enough'))
  await t.rejects(civitai.model(3, { signal: controller.signal }), { message: 'enough' })
})

t.test('a short Retry-After is waited for', async (t) => {
  const { double, civitai, clock } = await start(t)
  await double.catalogue.add(fileOf(1, { modelId: 1 }))
  double.faults.next('GET /api/v1/models/1', { status: 429, retryAfter: 20 })
  const before = clock.now()
  t.match(await civitai.model(1), { kind: 'found' })
  t.ok(clock.now() - before >= 20_000)
  t.equal(double.count(), 2)
})

t.test('a wrong key is told apart from a missing one', async (t) => {
  const { double, civitai, values } = await start(t)
  t.match(await civitai.probeKey(), { kind: 'found', value: true })
  double.apiKey = 'another'
  t.match(await civitai.probeKey(), { kind: 'unauthorized' })
  values.civitai_api_key = ''
  t.equal(civitai.authorized(), false)
  const asked = double.count()
  t.match(await civitai.probeKey(), { kind: 'unauthorized' })
  t.equal(double.count(), asked)
})

t.test('images, tags, users, creators and base models', async (t) => {
  const { double, civitai } = await start(t)
  for (let n = 0; n < 130; n++) await double.catalogue.add(fileOf(n, { creator: 'mia' }))
  const { version } = await double.catalogue.add(fileOf(200, { creator: 'mia2', images: [{}, { nsfwLevel: 8 }] }))
  const id = version.images[1]?.id ?? 0
  t.match(await civitai.image(id), { kind: 'found', value: { id, nsfwLevel: 8, meta: { steps: 20 } } })
  double.faults.next('GET /api/v1/images', { body: { items: [{ id: 5, url: 'https://x/5.png' }] } })
  t.match(await civitai.image(id), { kind: 'not-found' }, 'another image is none')
  t.match(await civitai.images({ modelVersionId: version.id }), { kind: 'found', value: { items: [{}, {}], nextCursor: null } })
  t.match(await civitai.tags('ani'), { kind: 'found', value: ['anime'] })
  const page = await civitai.userModels('mia')
  t.match(page, { kind: 'found', value: { items: { length: 100 }, nextCursor: '100' } })
  t.match(await civitai.userModels('mia', '100'), { kind: 'found', value: { items: { length: 30 }, nextCursor: null } })
  t.equal(await civitai.creatorModelCount('MIA'), null, 'names are searched as given')
  t.equal(await civitai.creatorModelCount('mia'), null, 'and the answer, none too, is kept')
  t.equal(await civitai.creatorModelCount('mia2'), 1)
  double.faults.always('GET /api/v1/creators', { status: 500 })
  t.equal(await civitai.creatorModelCount('nobody'), null)
  t.match(await civitai.enums(), { kind: 'found', value: { activeBaseModels: ['Flux.1 D', 'SDXL 1.0', 'Brand New 1'] } })
})

t.test('hostile documents are bounded, and an odd field costs no model', async (t) => {
  const { double, civitai } = await start(t)
  let deep: unknown = 'end'
  for (let n = 0; n < 500; n++) deep = { deep }
  const hostile = {
    id: '77',
    name: 'n'.repeat(3_000_000),
    description: '<script>'.repeat(400_000),
    tags: [...Array(20_000).fill('tag'), 5],
    type: 7,
    creator: 'no object',
    deep,
    unknown: 'u'.repeat(2_000_000),
    modelVersions: [null, 5, { id: -1 }, { id: 8, files: [{ id: 'x', name: '../../etc/passwd', sizeKB: '12', hashes: { SHA256: 5, AutoV2: 'ab' } }, 'no'], images: { no: 1 }, trainedWords: ['a', 5] }]
  }
  double.faults.next('GET /api/v1/models/77', { body: JSON.stringify(hostile).replace('"unknown"', '"__proto__":{"polluted":true},"unknown"') })
  const outcome = await civitai.model(77)
  t.equal(outcome.kind, 'found')
  if (outcome.kind !== 'found') return
  const model = outcome.value
  t.equal(model.id, 77)
  t.equal(model.name?.length, 1000)
  t.equal(model.description?.length, 500_000)
  t.equal(model.tags?.length, 500)
  t.equal(model.type, undefined)
  t.equal(model.creator, undefined)
  t.equal((model as { unknown?: string }).unknown?.length, 100_000)
  t.ok(JSON.stringify((model as { deep?: unknown }).deep).length < 300)
  t.same(model.modelVersions, [{ id: 8, files: [{ name: '../../etc/passwd', hashes: { AutoV2: 'ab' } }], trainedWords: ['a'] }])
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  double.faults.next('GET /api/v1/models/78', { body: { id: 78, pad: 'x'.repeat(49 * 1024 * 1024) } })
  t.match(await civitai.model(78), { kind: 'invalid', message: /larger/ })
})

t.test('when the first address can not be had, the next one is asked; a 404 is an answer', async (t) => {
  const { double, door } = await start(t)
  const { model } = await double.catalogue.add(fileOf(1))
  const client = createCivitaiClient({ door, hasKey: () => false, bases: () => [`${double.origins.civitai}/broken`, `${double.origins.civitai}/api/v1`] })
  double.faults.always('GET /broken/*', { status: 521, html: true })
  t.match(await client.model(model.id), { kind: 'found' })
  double.faults.clear()
  double.faults.always('GET /broken/*', { status: 404 })
  t.match(await client.model(model.id), { kind: 'not-found' })
})

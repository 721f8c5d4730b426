import t from 'tap'
import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { createDoor } from '../../../services/network/door.ts'
import type { OutgoingRequest } from '../../../services/network/types.ts'
import { createProviders } from '../../../services/providers/providers.ts'
import { civitaiDouble } from '../../helpers/civitai/double.ts'

const KEY = 'canary-key'

async function start (t: Test, settings: Record<string, unknown> = {}) {
  const double = await civitaiDouble(t, { apiKey: KEY })
  const values: Record<string, unknown> = { civitai_api_key: KEY, huggingface_token: 'canary-token', provider_base_urls: double.providerBaseUrls, ...settings }
  const source = { get: <T>(key: string) => values[key] as T, directory: t.testdir({}) }
  const door = createDoor({ settings: source, logger: { warn () {} } })
  t.teardown(() => door.close())
  const providers = createProviders({ door, settings: source, openArchive: () => { throw new Error('there is none') }, warn: (message) => { t.fail(message) } })
  return { double, door, providers, values }
}

async function read (body: Readable): Promise<Buffer> { return await buffer(body) }
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

t.test('a download goes through its redirect with the key to CivitAI alone; ranges and validators travel along', async (t) => {
  const { double, door } = await start(t)
  const { file, version } = await double.catalogue.add({ name: 'ünïcode "x".safetensors', source: { synthetic: 7 }, size: 3_000_000, gate: 'login' })
  const url = `${double.origins.civitai}/api/download/models/${version.id}`
  const seen: OutgoingRequest[] = []
  const stop = door.observe((request) => seen.push(request))
  const answer = await door.stream({ destination: 'model-files', url })
  t.match(answer, { status: 200, headers: { etag: file.etag, 'content-length': '3000000' } })
  t.ok(answer.finalUrl.startsWith(double.origins.storage))
  t.equal(sha256(await read(answer.body)), file.sha256)

  const rest = await door.stream({ destination: 'model-files', url, headers: { range: 'bytes=1000000-', 'if-range': file.etag } })
  t.match(rest, { status: 206, headers: { 'content-range': 'bytes 1000000-2999999/3000000' } })
  t.equal((await read(rest.body)).length, 2_000_000)
  const head = await door.stream({ destination: 'model-files', url, method: 'HEAD' })
  t.match(head, { status: 200, headers: { 'content-length': '3000000' } })
  t.equal((await read(head.body)).length, 0)

  stop()
  t.same(seen.map(({ origin, headers }) => [origin, headers.authorization]), [...Array(3)].flatMap(() => [[double.origins.civitai, 'Bearer ***'], [double.origins.storage, undefined]]))
  t.same(double.requests.map(({ server, headers }) => [server, headers.authorization]), [...Array(3)].flatMap(() => [['civitai', `Bearer ${KEY}`], ['storage', undefined]]))
  t.notMatch(JSON.stringify([seen, door.status()]), /canary/, 'neither key nor signature is told to anyone')
  t.match(door.status().destinations.find(({ name }) => name === 'model-files'), { counters: { requests: 6, succeeded: 6, failed: 0 } })
  const bytes = door.status().destinations.find(({ name }) => name === 'model-files')?.counters.bytes ?? 0
  t.ok(bytes >= 5_000_000 && bytes <= 5_000_006, 'bytes of the files, and at most those of the redirects')
})

t.test('the key stays away from lists of base models, CivArchive, pictures, mirrors and redirects back', async (t) => {
  const { double, door, providers } = await start(t)
  const { file, version } = await double.catalogue.add({ name: 'a.safetensors', source: { bytes: Buffer.from('weights') }, inCivarchive: true })
  await providers.civitai.enums()
  await providers.chain.versionByHash(file.sha256, { only: ['civarchive_api'] })
  await (await door.stream({ destination: 'media', url: `${double.origins.storage}/media/original=true/1.png` })).body.resume().toArray()
  await door.fetchPublic(`${double.origins.storage}/media/original=true/1.png`, { maxBytes: 1000 })
  t.ok(double.count() >= 4)
  t.same(double.requests.filter(({ headers }) => headers.authorization !== undefined), [])

  const url = `${double.origins.civitai}/api/download/models/${version.id}`
  double.faults.next('GET /api/download/*', { location: `${double.origins.storage}/files/1/back` })
  double.faults.next('storage GET /files/1/back', { location: url })
  await (await door.stream({ destination: 'model-files', url })).body.resume().toArray()
  const ours = double.requests.filter(({ path }) => path.startsWith('/api/download/'))
  t.same(ours.map(({ headers }) => headers.authorization), [`Bearer ${KEY}`, undefined], 'once the origin changed, no key even on the way back')
  await t.rejects(door.request({ destination: 'civitai', url: `${double.origins.civitai}/api/v1/enums`, headers: { authorization: 'mine' } }), { message: /authorization/ })
  await t.rejects(door.request({ destination: 'civitai', url: `${double.origins.storage}/api/v1/enums` }), { code: 'destination-mismatch' })
})

t.test('redirects into the own network are refused, but for the addresses that the settings name', async (t) => {
  const { double, door, values } = await start(t)
  const { version } = await double.catalogue.add({ name: 'a.safetensors', source: { bytes: Buffer.from('weights') } })
  const url = `${double.origins.civitai}/api/download/models/${version.id}`
  const { storage, ...rest } = double.providerBaseUrls
  values.provider_base_urls = rest
  await t.rejects(door.stream({ destination: 'model-files', url }), { code: 'address-refused' })
  t.equal(double.count('storage *'), 0)
  values.provider_base_urls = { ...rest, storage }
  t.equal((await read((await door.stream({ destination: 'model-files', url })).body)).toString(), 'weights')
  double.faults.always('GET /api/download/*', { location: url })
  await t.rejects(door.stream({ destination: 'model-files', url }), { code: 'too-many-redirects' })
})

t.test('a silent, cut or cancelled stream ends with a named error, and its slot is free again', async (t) => {
  const { double, door } = await start(t)
  const { version, file } = await double.catalogue.add({ name: 'a.safetensors', source: { synthetic: 1 }, size: 2_000_000 })
  const url = `${double.origins.civitai}/api/download/models/${version.id}`
  const open = (fault: object, more: object = {}) => {
    double.faults.next('storage GET /files/*', fault)
    return door.stream({ destination: 'model-files', url, ...more })
  }
  const silent = await open({ stallAfter: 500_000 }, { stallMs: 300 })
  await t.rejects(read(silent.body), { kind: 'upstream', code: 'upstream-timeout' })
  const cut = await open({ cutAfter: 700_000 })
  await t.rejects(read(cut.body), { kind: 'upstream', code: 'upstream-failed' })
  const controller = new AbortController()
  const cancelled = await open({ stallAfter: 100_000 }, { signal: controller.signal })
  const ended = t.rejects(read(cancelled.body), { message: 'enough' })
  controller.abort(new Error('enough'))
  await ended
  const dropped = await open({ stallAfter: 100_000 })
  await new Promise((resolve) => dropped.body.once('close', resolve).destroy())
  await t.rejects(open({ hang: true }, { stallMs: 200 }), { code: 'upstream-timeout' })
  await t.rejects(open({ reset: true }), { code: 'upstream-failed' })
  t.same(door.status().hosts.map(({ active }) => active), [{ calls: 0, transfers: 0 }, { calls: 0, transfers: 0 }])
  t.equal(sha256(await read((await door.stream({ destination: 'model-files', url })).body)), file.sha256)
})

t.test('a paused reader is not a silent sender', async (t) => {
  const { double, door } = await start(t)
  const { version, file } = await double.catalogue.add({ name: 'a.safetensors', source: { synthetic: 3 }, size: 30_000_000 })
  const { body } = await door.stream({ destination: 'model-files', url: `${double.origins.civitai}/api/download/models/${version.id}`, stallMs: 400 })
  const started = performance.now()
  while (performance.now() - started < 1300) await new Promise((resolve) => { setTimeout(resolve, 50) })
  t.equal(sha256(await read(body)), file.sha256)
})

t.test('files of Hugging Face come with the token to its own host only', async (t) => {
  const { double, door, providers } = await start(t)
  await double.addRepository('artist/pack', [{ path: 'small.safetensors', source: { bytes: Buffer.from('ab') } }, { path: 'deep/big one.gguf', source: { synthetic: 5 }, size: 70_000 }, { path: 'README.md', source: { bytes: Buffer.from('hi') }, lfs: false }], { gated: true })
  const files = await providers.huggingFace.files('artist/pack')
  t.match(files, { kind: 'found', value: [{ filename: 'deep/big one.gguf', size: 70_000, sha256: /^[0-9a-f]{64}$/ }, { filename: 'small.safetensors', size: 2 }] })
  t.equal(files.kind === 'found' && files.value.length, 2)
  const answer = await door.stream({ destination: 'hugging-face', url: providers.huggingFace.fileUrl('artist/pack', 'main', 'deep/big one.gguf') })
  t.equal(sha256(await read(answer.body)), files.kind === 'found' && files.value[0]?.sha256)
  t.same(double.requests.map(({ server, headers }) => [server, headers.authorization]), [['huggingface', 'Bearer canary-token'], ['huggingface', 'Bearer canary-token'], ['storage', undefined]])
  t.match(await providers.huggingFace.files('artist/none'), { kind: 'not-found' })
  for (const name of ['artist', '../pack', 'a/b/c', 'a/..', 'a b/c', '']) await t.rejects(providers.huggingFace.files(name), { code: /^hugging-face/ }, name)
  for (const file of ['../x.bin', '/x.bin', 'a//b.bin', 'a\\b.bin', '']) t.throws(() => providers.huggingFace.fileUrl('artist/pack', 'main', file), { code: /^hugging-face/ }, file)
})

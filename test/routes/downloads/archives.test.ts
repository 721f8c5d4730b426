import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createPartFiles } from '../../../services/downloads/part-files.ts'
import { unpackModels } from '../../../services/downloads/unpack-models.ts'
import { zipOf, type ZipEntry } from '../../helpers/civitai/zip.ts'
import { sha256, weights } from '../../services/downloads/file-server.ts'
import { downloadWorld, framesOf, until } from './world.ts'

const { app, double } = await downloadWorld(t)

function folder (name: string, root = app.roots.loras): string {
  const path = join(root, name)
  mkdirSync(path)
  return path
}

const files = (root: string): string[] => readdirSync(root).sort()
const lists = async (name: string, prefix = 'loras') => (await app.get(`/api/lm/${prefix}/list?folder=${name}&sort_by=name`)).json as { total: number, items: Record<string, unknown>[] }
const publish = async (entries: readonly ZipEntry[] | Buffer, more: object = {}) =>
  await double.catalogue.add({ name: 'pack.zip', source: { bytes: Buffer.isBuffer(entries) ? entries : zipOf(entries) }, images: [], ...more })

t.test('what the provider calls an archive is one, whatever its name', async (t) => {
  const root = folder('called')
  const entries = zipOf([{ name: 'within.safetensors', bytes: weights(4000) }])
  for (const [name, status] of [['training set', 200], ['pack.v2', 200], ['pack.7z', 500]] as const) {
    const { version, file } = await publish(entries, { name, fileType: 'Archive' })
    const answer = await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, file_params: { id: file.id } })
    t.equal(answer.status, status, name)
  }
  const { version, file } = await publish(weights(500), { name: 'no archive', fileType: 'Archive' })
  t.equal((await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, file_params: { id: file.id } })).status, 500, 'its content tells')
  t.same(files(root), ['within.metadata.json', 'within.safetensors'])
})

t.test('the model of an archive becomes a model of the library, with its own hash, sidecar and preview; the archive goes', async (t) => {
  const root = folder('one')
  const bytes = weights(300_000)
  const { version, file } = await publish([{ name: 'read me.txt', bytes: Buffer.from('hello') }, { name: 'Painted.safetensors', bytes }], { images: [{}], baseModel: 'Pony', autov3: 'abcdef012345' })
  const frames = framesOf(app, 'z')
  const answer = await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, download_id: 'z' })
  const path = join(root, 'Painted.safetensors')
  t.same(answer, { ...answer, status: 200, json: { success: true, download_id: 'z', file_path: path, file_paths: [path] } })
  t.same(files(root), ['Painted.metadata.json', 'Painted.safetensors', 'Painted.webp'])
  t.equal(sha256(readFileSync(path)), sha256(bytes))
  const sidecar = JSON.parse(readFileSync(join(root, 'Painted.metadata.json'), 'utf8')) as Record<string, unknown>
  t.match(sidecar, { sha256: sha256(bytes), size: bytes.length, file_path: path, base_model: 'Pony', from_civitai: true, hash_status: 'completed', civitai: { id: version.id }, preview_url: join(root, 'Painted.webp') })
  t.not(sidecar['autov3'], 'abcdef012345', 'which is that of the archive')
  t.match(await lists('one'), { total: 1, items: [{ sha256: sha256(bytes) }] })
  t.match(frames.at(-1), { status: 'completed', progress: 100, bytes_downloaded: file.size })
  t.same(app.app.core.downloads.history.filesOf('lora', version.id), [file.id])
  t.match((await app.get('/api/v1/downloads/z')).json, { state: 'succeeded', result: { file_path: path, file_paths: [path], sha256: sha256(bytes) } })

  for (const more of [{}, { file_params: { id: file.id } }]) {
    t.match((await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, ...more })).json, { success: false, error: /already exists in lora library/ }, 'it is known that this archive is there')
  }
})

t.test('several models of an archive lie flat beside each other, whatever folders they came in; other files stay out of the library', async (t) => {
  const root = folder('many')
  const standing = weights(999)
  writeFileSync(join(root, 'b.safetensors'), standing)
  const [a, b, c, d] = [1000, 2000, 3000, 4000].map((size) => weights(size))
  const { version } = await publish([
    { name: 'deep/' },
    { name: 'deep/er/a.safetensors', bytes: a ?? Buffer.alloc(0) },
    { name: 'deep\\b.safetensors', bytes: b ?? Buffer.alloc(0), deflate: false },
    { name: 'other/A.SAFETENSORS', bytes: c ?? Buffer.alloc(0), mode: 0o100644 },
    { name: 'other/con.safetensors', bytes: d ?? Buffer.alloc(0) },
    { name: 'copy/of a.safetensors', bytes: a ?? Buffer.alloc(0) },
    { name: '__MACOSX/deep/er/._a.safetensors', bytes: Buffer.from('Mac OS X') },
    { name: 'deep/.hidden.safetensors', bytes: Buffer.from('hidden') },
    { name: 'a.png', bytes: Buffer.from('picture') },
    { name: 'inner.zip', bytes: zipOf([{ name: 'inner.safetensors', bytes: weights(10) }]) },
    { name: 'old.pt', bytes: Buffer.from('no LoRA has this extension') }
  ], { images: [{}] })
  const answer = await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })
  t.equal(answer.status, 200, JSON.stringify(answer.json))
  t.same(files(root).filter((name) => name.endsWith('.safetensors')), ['A-1.safetensors', '_con.safetensors', 'a.safetensors', 'b-1.safetensors', 'b.safetensors'], 'the same content comes once')
  for (const stem of ['A-1', '_con', 'b-1', 'a']) t.ok(existsSync(join(root, `${stem}.metadata.json`)) && existsSync(join(root, `${stem}.webp`)), stem)
  t.same(files(root).filter((name) => /zip|tmp|part|png|txt/.test(name)), [])
  t.equal(sha256(readFileSync(join(root, 'b.safetensors'))), sha256(standing), 'what was there is untouched')
  await app.get('/api/lm/loras/scan')
  t.match(await lists('many'), { total: 5 })

  const { id } = ((await app.get('/api/v1/operations')).json as { items: { id: string }[] }).items[0] ?? { id: '' }
  t.equal((await app.post(`/api/v1/operations/${id}/undo`, {})).status, 200)
  t.same(files(root).filter((name) => !name.startsWith('b.')), [], 'taking it back takes all of it')
})

t.test('a second archive with a model that lies there already lays only the others beside it', async (t) => {
  const root = folder('again')
  const [shared, fresh] = [weights(5000), weights(6000)]
  const first = await publish([{ name: 'shared.safetensors', bytes: shared }])
  const second = await publish([{ name: 'shared.safetensors', bytes: shared }, { name: 'fresh.safetensors', bytes: fresh }])
  t.equal((await app.post('/api/lm/download-model', { model_version_id: first.version.id, model_root: root })).status, 200)
  const answer = await app.post('/api/lm/download-model', { model_version_id: second.version.id, model_root: root })
  t.same((answer.json as unknown as { file_paths: string[] }).file_paths, [join(root, 'fresh.safetensors'), join(root, 'shared.safetensors')])
  t.same(files(root).filter((name) => name.endsWith('.safetensors')), ['fresh.safetensors', 'shared.safetensors'])
})

t.test('archives that are wrong are put aside whole, and nothing of them is seen', async (t) => {
  const root = folder('bad')
  const good: ZipEntry = { name: 'good.safetensors', bytes: weights(20_000) }
  const whole = zipOf([good])
  const spoilt = zipOf([{ ...good, deflate: false }])
  spoilt.writeUInt8(spoilt.readUInt8(15_000) ^ 0xff, 15_000)
  const cases: [string, readonly ZipEntry[] | Buffer, string, RegExp][] = [
    ['slip', [good, { name: '../../evil.safetensors', bytes: weights(100) }], 'archive-refused', /outside/],
    ['slip of a file that is no model', [good, { name: '..\\evil.txt', bytes: Buffer.from('x') }], 'archive-refused', /outside/],
    ['absolute', [good, { name: '/tmp/evil.safetensors', bytes: weights(100) }], 'archive-refused', /outside/],
    ['drive', [good, { name: 'C:/evil.safetensors', bytes: weights(100) }], 'archive-refused', /outside/],
    ['link', [good, { name: 'link.safetensors', bytes: Buffer.from('/etc/passwd'), mode: 0o120777 }], 'archive-refused', /link/],
    ['twice', [good, good], 'archive-refused', /same name/],
    ['bomb', [good, { name: 'bomb.safetensors', bytes: Buffer.alloc(3_000_000) }], 'archive-refused', /hundred times/],
    ['bomb that says it is small', [good, { name: 'bomb.safetensors', bytes: Buffer.alloc(3_000_000), saysSize: 20_000 }], 'archive-damaged', /longer than it says/],
    ['too large', [good, { name: 'a.safetensors', bytes: weights(10), saysSize: 4e9 }], 'archive-refused', /times as large|GB/],
    ['locked', [{ ...good, encrypted: true }], 'archive-refused', /password/],
    ['crowd', [good, ...Array.from({ length: 500 }, (_, n) => ({ name: `${n}.txt` }))], 'archive-refused', /501 files/],
    ['truncated', whole.subarray(0, whole.length - 3000), 'archive-damaged', /can not be unpacked/],
    ['cut inside', [{ ...good, saysSize: 20_001 }], 'archive-damaged', /can not be unpacked/],
    ['spoilt', spoilt, 'archive-damaged', /spoilt/],
    ['no archive', Buffer.from('PK but nothing more'), 'archive-damaged', /can not be unpacked/],
    ['page', Buffer.from('<!DOCTYPE html><title>Sorry</title>'), 'file-damaged', /text/],
    ['no model', [{ name: 'wild.txt', bytes: Buffer.from('cards') }], 'archive-without-model', /no LoRA/],
    ['a model that is none', [good, { name: 'lie.safetensors', bytes: Buffer.from('this is no model') }], 'file-damaged', /lie\.safetensors/]
  ]
  for (const [what, entries, code, text] of cases) {
    const { version } = await publish(entries)
    const answer = await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })
    t.match(answer, { status: 500, json: { success: false, code, error: text } }, what)
    t.same(files(root), [], `${what}: nothing is left`)
    t.match(((await app.get('/api/v1/trash')).json as { items: unknown[] }).items[0], { kind: 'quarantine', items: [{ original_path: join(root, 'pack.zip.part') }] }, what)
  }
  t.same(readdirSync(app.roots.loras).filter((name) => /evil/.test(name)), [])
  await app.get('/api/lm/loras/scan')
  t.match(await lists('bad'), { total: 0 })
})

t.test('files of PyTorch are archives inside and stay what they are', async (t) => {
  const root = folder('pickles', app.roots.checkpoints)
  const pickle = zipOf([{ name: 'archive/data.pkl', bytes: Buffer.from('pickle'), deflate: false }, { name: 'archive/data/0', bytes: Buffer.alloc(1000), deflate: false }])
  for (const name of ['whole.ckpt', 'whole2.pt']) {
    const { version } = await double.catalogue.add({ name, source: { bytes: Buffer.concat([pickle, Buffer.from(name)]) }, modelType: 'Checkpoint', images: [] })
    t.match((await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })).json, { success: true, file_path: join(root, name) })
  }
  t.same(readFileSync(join(root, 'whole.ckpt')), Buffer.concat([pickle, Buffer.from('whole.ckpt')]))

  const { version } = await double.catalogue.add({ name: 'boxed.zip', source: { bytes: zipOf([{ name: 'x/boxed.ckpt', bytes: pickle }]) }, modelType: 'Checkpoint', images: [] })
  t.match((await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })).json, { success: true, file_path: join(root, 'boxed.ckpt') }, 'one in an archive comes out whole')
  t.same(readFileSync(join(root, 'boxed.ckpt')), pickle)
  t.same(files(root).filter((name) => !name.endsWith('.metadata.json')), ['boxed.ckpt', 'whole.ckpt', 'whole2.pt'])
})

t.test('a damaged model is replaced out of the archive that it came from', async (t) => {
  const root = folder('mend')
  const bytes = weights(8000)
  const { version } = await publish([{ name: 'kept.safetensors', bytes: weights(9000) }, { name: 'broken.safetensors', bytes }])
  await app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root })
  const path = join(root, 'broken.safetensors')
  writeFileSync(path, Buffer.alloc(8000))
  await app.post('/api/v1/downloads', { model_version_id: version.id, replaces: path, model_root: root, download_id: 'mend' })
  await until(async () => ['succeeded', 'failed'].includes(String((await app.get('/api/v1/downloads/mend')).json.state)))
  t.equal(sha256(readFileSync(path)), sha256(bytes))
  t.same(files(root).filter((name) => /safetensors$|tmp|part|zip/.test(name)), ['broken.safetensors', 'kept.safetensors'])
})

t.test('cancel and pause take effect while an archive is unpacked; nothing is seen under a model\'s name before all is whole', async (t) => {
  const root = folder('controls')
  const archive = zipOf([{ name: 'first.safetensors', bytes: weights(1000) }, { name: 'large.safetensors', bytes: weights(200_000_000), deflate: false }])
  const { version } = await publish(archive)
  const unpacking = (): boolean => files(root).some((name) => name.startsWith('.large'))
  const cancelled = app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, download_id: 'c' })
  await until(unpacking)
  t.notOk(files(root).some((name) => name.endsWith('.safetensors')))
  const began = performance.now()
  await app.get('/api/lm/cancel-download-get?download_id=c')
  t.match((await cancelled).json, { cancelled: true })
  t.ok(performance.now() - began < 1000, `${Math.round(performance.now() - began)} ms`)
  t.same(files(root), [])

  const held = app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, download_id: 'p' })
  await until(unpacking)
  t.equal((await app.get('/api/lm/pause-download?download_id=p')).status, 200)
  t.notOk(files(root).some((name) => name.endsWith('.safetensors')))
  t.match((await app.get('/api/lm/download-progress/p')).json, { status: 'paused' })
  t.equal((await app.get('/api/lm/resume-download?download_id=p')).status, 200)
  t.equal((await held).status, 200)
  t.same(files(root).filter((name) => name.endsWith('.safetensors')), ['first.safetensors', 'large.safetensors'])
})

t.test('the server stops while an archive is unpacked, and the next one unpacks it without loading it again', async (t) => {
  const { app, double } = await downloadWorld(t)
  const bytes = zipOf([{ name: 'inside.safetensors', bytes: weights(60_000_000), deflate: false }])
  const { version, file } = await double.catalogue.add({ name: 'long.zip', source: { bytes }, images: [] })
  const root = app.roots.loras
  const waiting = app.post('/api/lm/download-model', { model_version_id: version.id, model_root: root, download_id: 'long' })
  await until(() => readdirSync(root).some((name) => name.startsWith('.inside')))
  const again = await app.restart()
  t.match((await waiting).status, 503)
  await until(async () => (await again.get('/api/v1/downloads/long')).json.state as unknown === 'succeeded')
  t.equal(double.count(({ path }) => path.startsWith(`/files/${file.id}/`)), 1)
  t.same(readdirSync(root).sort(), ['inside.metadata.json', 'inside.safetensors'])
})

t.test('without room for what is in it an archive stays packed, and is gone on with when there is some', async (t) => {
  const root = folder('full')
  writeFileSync(join(root, 'pack.zip.part'), zipOf([{ name: 'a.safetensors', bytes: weights(5000) }]))
  const parts = createPartFiles()
  t.teardown(async () => { await parts.close() })
  const unpack = async (free: number) => await unpackModels(
    { files: parts, freeSpace: async () => ({ free, size: 1e12 }) },
    { library: app.app.core.models.loras, directory: root }, join(root, 'pack.zip.part'), { signal: new AbortController().signal, gate: async () => undefined }
  )
  await t.rejects(unpack(1e9), { code: 'storage-full' })
  t.same(files(root), ['pack.zip.part'])
  t.match(await unpack(1e12), [{ stem: 'a', extension: '.safetensors', size: 5000 }])
})

t.test('a disk that fills up while an archive is unpacked is waited for: nothing lies about meanwhile, and nothing is loaded again', async (t) => {
  const root = folder('filling')
  const part = join(root, 'pack.zip.part')
  const [small, large] = [weights(5000), weights(300_000)]
  writeFileSync(part, zipOf([{ name: 'a.safetensors', bytes: small }, { name: 'b.safetensors', bytes: large }]))
  const parts = createPartFiles()
  t.teardown(async () => { await parts.close() })
  let [free, full] = [1e9, true]
  const filling: typeof parts = {
    ...parts,
    async open (path, length) {
      const file = await parts.open(path, length)
      const refusing: typeof file = Object.create(file) as typeof file
      refusing.push = (chunk) => full && path.includes('.b.') ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })) : file.push(chunk)
      return refusing
    }
  }
  const waits: { code: string, lying: string[], room: boolean }[] = []
  const models = await unpackModels(
    { files: filling, freeSpace: async () => ({ free, size: 1e12 }) }, { library: app.app.core.models.loras, directory: root }, part,
    {
      signal: new AbortController().signal,
      gate: async () => undefined,
      async noRoom ({ code }, hasRoom) {
        const before = await hasRoom()
        waits.push({ code, lying: files(root), room: before })
        if (!before) free = 1e12
        else full = false
      }
    }
  )
  t.same(waits, [{ code: 'storage-full', lying: ['pack.zip.part'], room: false }, { code: 'storage-full', lying: ['pack.zip.part'], room: true }])
  t.match(models, [{ stem: 'a', size: 5000, sha256: sha256(small) }, { stem: 'b', size: 300_000, sha256: sha256(large) }])
})

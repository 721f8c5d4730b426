import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Root } from '../../../services/files/types.ts'
import { defaultSidecar } from '../../../services/models/default-sidecar.ts'
import { describeModel, type Described, type ModelFiles } from '../../../services/models/describe-model.ts'
import { createPreviewFinder } from '../../../services/models/preview-file.ts'
import { SIDECAR_FIELD_ORDER } from '../../../services/models/sidecar-fields.ts'
import { sidecarPath } from '../../../services/models/sidecar-file.ts'
import { modelTypeByName, type ModelTypeName } from '../../../services/models/types.ts'

const NOW = 1_750_000_000_500
const SHA = 'AB'.repeat(32)

function tensorFile (metadata: Record<string, string>): Buffer {
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata }))
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([head, json, Buffer.from('tensors')])
}

function rootAt (path: string, type: ModelTypeName = 'lora', subType: string | null = null): Root {
  return { id: 'r1', type, folderKey: 'loras', path, extra: false, subType }
}

/** Describes a file on the disk as a scan does. */
function describe (root: Root, path: string, more: Partial<ModelFiles> = {}): Described {
  const directory = path.slice(0, path.lastIndexOf('/'))
  const names = new Set(readdirSync(directory))
  const read = (file: string): Buffer | undefined => names.has(file.slice(directory.length + 1)) ? readFileSync(file) : undefined
  return describeModel({
    type: modelTypeByName(root.type),
    root,
    path,
    stat: statSync(path),
    directoryNames: createPreviewFinder(names),
    readSidecar: () => read(sidecarPath(path)),
    readInfo: () => read(sidecarPath(path).replace('.metadata.json', '.civitai.info')),
    now: NOW,
    ...more
  })
}

function complete (path: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    file_name: 'alpha', model_name: 'Alpha', file_path: path, size: 7, modified: 1700000000.25, sha256: SHA, base_model: 'Pony', preview_url: '', autov3: null, ...more
  }
}

t.test('a model without a sidecar is described by name, stat and header', async (t) => {
  const root = t.testdir({ 'sub dir': { 'al.pha.safetensors': tensorFile({ ss_base_model_version: 'flux1', sshs_model_hash: 'ABCDEF0123456789' }), 'al.pha.preview.png': 'png' } })
  const path = `${root}/sub dir/al.pha.safetensors`
  const described = describe(rootAt(root), path, { previewStat: (name) => ({ size: name.length, mtimeMs: 5 }) })
  t.match(described, { sidecarMissing: true, shouldWriteSidecar: true, raw: null, warning: null })
  t.match(described.entry, {
    file_path: path,
    file_name: 'al.pha',
    model_name: 'al.pha',
    folder: 'sub dir',
    size: statSync(path).size,
    modified: NOW / 1000,
    sha256: '',
    hash_status: 'pending',
    autov3: 'abcdef012345',
    base_model: 'Flux.1 D',
    preview_url: `${root}/sub dir/al.pha.preview.png`,
    preview_version: /^[0-9a-z]+-[0-9a-z]+$/,
    from_civitai: true,
    usage_tips: '{}',
    civitai: null,
    license_flags: 113,
    metadata_error: '',
    other_hashes: null,
    root_id: 'r1',
    type: 'lora'
  })
  t.notOk('sub_type' in described.entry)
  const document = described.document ?? {}
  t.same(Object.keys(document), SIDECAR_FIELD_ORDER.filter((name) => !/^allow|sub_type|hf_url/.test(name)))
  t.match(document, { civitai: {}, autov3: 'abcdef012345', hash_status: 'pending', usage_tips: '{}' })
  t.strictSame(defaultSidecar(described.entry), document, 'the index can restore the same document')
})

t.test('checkpoints take their sub-type from the root, embeddings have their own', async (t) => {
  const root = t.testdir({ 'a.gguf': 'weights', 'b.pt': 'weights', 'b.metadata.json': '{"sub_type":"odd"}' })
  const checkpoint = describe(rootAt(root, 'checkpoint', 'diffusion_model'), `${root}/a.gguf`)
  t.match(checkpoint.entry, { sub_type: 'diffusion_model', from_civitai: false, usage_tips: '', autov3: '', base_model: 'Unknown' })
  t.match(checkpoint.document, { sub_type: 'diffusion_model', autov3: null, from_civitai: false })
  t.notOk('usage_tips' in (checkpoint.document ?? {}))
  t.equal(describe(rootAt(root, 'checkpoint', 'checkpoint'), `${root}/b.pt`).entry.sub_type, 'checkpoint')
  t.equal(describe(rootAt(root, 'embedding'), `${root}/a.gguf`).entry.sub_type, 'embedding')
  t.equal(describe(rootAt(root, 'embedding'), `${root}/b.pt`).entry.sub_type, 'odd')
})

t.test('a complete sidecar is enough: the model file is not opened', async (t) => {
  const root = t.testdir({ 'alpha.safetensors': 'weights', 'alpha.png': 'png' })
  const path = `${root}/alpha.safetensors`
  writeFileSync(sidecarPath(path), JSON.stringify(complete('/elsewhere/alpha.safetensors', {
    preview_url: '/elsewhere/alpha.png',
    tags: ['b', 1, 'a'],
    favorite: true,
    civitai: { id: 1, modelId: 2, name: 'v1', files: [{ hashes: { SHA256: SHA, BLAKE3: 'B3', AutoV3: 'FFFFFFFFFFFF' } }], images: [{ meta: {} }] },
    zeta: 1
  })))
  const described = describe(rootAt(root), `${root}/alpha.safetensors`, { stat: { size: 9, mtimeMs: 1 }, readInfo: () => { throw new Error('not needed') } })
  t.match(described.entry, { model_name: 'Alpha', size: 7, modified: 1700000000.25, sha256: SHA.toLowerCase(), autov3: 'ffffffffffff', tags: ['b', 'a'], favorite: true, hash_status: 'completed', preview_url: `${root}/alpha.png` })
  t.same(described.entry.civitai, { id: 1, modelId: 2, name: 'v1' })
  t.same(described.entry.other_hashes, { BLAKE3: 'B3' })
  t.equal(described.warning, null)
  t.equal(described.shouldWriteSidecar, false, 'another mount point is no reason to write')
  t.match(described.document, { file_path: path, preview_url: `${root}/alpha.png`, zeta: 1, autov3: 'ffffffffffff' })
  t.equal(described.raw?.toString(), readFileSync(sidecarPath(path), 'utf8'))
})

t.test('wrongly typed and missing fields take their defaults', async (t) => {
  const root = t.testdir({ 'alpha.safetensors': 'weights' })
  const path = `${root}/alpha.safetensors`
  const bad = { model_name: 3, size: 'x', modified: null, sha256: 7, base_model: null, tags: 'a,b', civitai: [1], from_civitai: 'no', favorite: 1, notes: {}, usage_tips: null, preview_url: 5, preview_nsfw_level: '4', last_checked_at: true, hash_status: 'odd', autov3: 'zz', exclude: 0 }
  for (const document of [bad, {}, { autov3: null }]) {
    writeFileSync(sidecarPath(path), JSON.stringify(document))
    const { entry } = describe(rootAt(root), path, { stat: { size: 7, mtimeMs: 1500 } })
    t.match(entry, { model_name: 'alpha', size: 7, modified: 1.5, sha256: '', hash_status: 'pending', base_model: 'Unknown', tags: [], civitai: null, from_civitai: true, favorite: false, notes: '', usage_tips: '{}', preview_url: '', preview_nsfw_level: 0, last_checked_at: 0, exclude: false, metadata_error: '' })
  }
})

t.test('states of a hash: calculating and empty are pending, failed stays, ours fills the gap', async (t) => {
  const root = t.testdir({ 'alpha.safetensors': 'weights' })
  const path = `${root}/alpha.safetensors`
  const stated = (more: Record<string, unknown>, knownSha?: string): [string, string] => {
    writeFileSync(sidecarPath(path), JSON.stringify(complete(path, more)))
    const { entry } = describe(rootAt(root), path, { knownSha })
    return [entry.hash_status, entry.sha256.slice(0, 2)]
  }
  t.same(stated({}), ['completed', 'ab'])
  t.same(stated({ hash_status: 'calculating' }), ['pending', 'ab'])
  t.same(stated({ sha256: '' }), ['pending', ''])
  t.same(stated({ sha256: '', hash_status: 'failed' }), ['failed', ''])
  t.same(stated({ sha256: '', hash_status: 'pending' }, 'cd'), ['completed', 'cd'])
  t.same(stated({}, 'cd'), ['completed', 'ab'])
  t.same(stated({ size: 8 }, 'cd'), ['completed', 'cd'], 'the sidecar speaks of a file of another size')
})

t.test('a sidecar that cannot be used leaves the model visible and is left alone', async (t) => {
  const root = t.testdir({ 'alpha.safetensors': tensorFile({ ss_base_model_version: 'pony' }), 'alpha.webp': 'webp' })
  const path = `${root}/alpha.safetensors`
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(100), Buffer.from('[{}]'), Buffer.from('{"a":'), Buffer.from([0x7b, 0xff, 0x7d])]) {
    writeFileSync(sidecarPath(path), bytes)
    const described = describe(rootAt(root), path)
    t.match(described, { document: null, sidecarMissing: false, shouldWriteSidecar: false, raw: bytes })
    t.match(described.entry, { metadata_error: /^the sidecar /, base_model: 'Pony', preview_url: `${root}/alpha.webp`, modified: statSync(path).mtimeMs / 1000, hash_status: 'pending' })
  }
  const unreadable = describe(rootAt(root), path, { readSidecar: () => { throw Object.assign(new Error('denied'), { code: 'EACCES' }) } })
  t.match(unreadable, { document: null, raw: null, sidecarMissing: false, shouldWriteSidecar: false, entry: { metadata_error: /EACCES/ } })
})

t.test('a damaged or unreadable model file is listed with a warning', async (t) => {
  const root = t.testdir({ 'a.safetensors': Buffer.alloc(64, 0xff) })
  const described = describe(rootAt(root), `${root}/a.safetensors`)
  t.match(described, { warning: /header/, entry: { autov3: null, base_model: 'Unknown', metadata_error: '' } })
  t.notOk('autov3' in (described.document ?? {}), 'never looked for, so that it is looked for again')
  t.match(describe(rootAt(root), `${root}/a.safetensors`, { readHeader: false }), { warning: null, entry: { autov3: null } })
})

t.test('previews are found again when missing, empty or elsewhere', async (t) => {
  const root = t.testdir({ m: { 'alpha.safetensors': 'weights', 'alpha.jpg': 'jpg', 'custom.png': 'png', 'lone.safetensors': 'weights' }, other: { 'x.png': 'png' } })
  const path = `${root}/m/alpha.safetensors`
  const found = (preview: unknown, model = path): [string, boolean, unknown] => {
    writeFileSync(sidecarPath(model), JSON.stringify(complete(model, { file_name: model.slice(root.length + 3, -12), preview_url: preview })))
    const described = describe(rootAt(root), model)
    return [described.entry.preview_url, described.shouldWriteSidecar, described.document?.preview_url]
  }
  const jpg = `${root}/m/alpha.jpg`
  t.same(found(''), [jpg, true, jpg])
  t.same(found(`${root}/m/alpha.webp`), [jpg, true, jpg])
  t.same(found(`${root}/other/x.png`), [jpg, true, jpg])
  t.same(found(`${root}/m/custom.png`), [`${root}/m/custom.png`, false, `${root}/m/custom.png`])
  t.same(found('D:\\models\\alpha.jpg'), [jpg, false, jpg])
  const lone = `${root}/m/lone.safetensors`
  t.same(found(`${root}/m/lone.png`, lone), ['', false, `${root}/m/lone.png`], 'a dead preview is cleared in the index only')
  t.same(found(`${root}/other/x.png`, lone), [`${root}/other/x.png`, false, `${root}/other/x.png`])
})

t.test('a renamed model gets its name back', async (t) => {
  const root = t.testdir({ 'beta.safetensors': 'weights' })
  const path = `${root}/beta.safetensors`
  writeFileSync(sidecarPath(path), JSON.stringify(complete(path)))
  t.match(describe(rootAt(root), path), { shouldWriteSidecar: true, entry: { file_name: 'beta', model_name: 'Alpha' }, document: { file_name: 'beta' } })
})

const info = {
  id: 5,
  modelId: 6,
  name: 'v2',
  baseModel: 'sdxl hyper',
  model: { name: 'From info', type: 'LORA', tags: ['t1', 't2'], description: '<p>d</p>' },
  files: [{ primary: true, sizeKB: 7 / 1024, hashes: { SHA256: SHA, AutoV3: 'AAAAAAAAAAAA' } }]
}

t.test('an information file seeds a model without a sidecar; its hashes count for a file of that size', async (t) => {
  const root = t.testdir({ 'my.v1.safetensors': 'weights', 'my.v1.civitai.info': JSON.stringify(info) })
  const path = `${root}/my.v1.safetensors`
  const described = describe(rootAt(root), path)
  t.match(described, { sidecarMissing: true, shouldWriteSidecar: true })
  t.match(described.entry, { file_name: 'my.v1', model_name: 'From info', sha256: SHA.toLowerCase(), autov3: 'aaaaaaaaaaaa', base_model: 'SDXL Hyper', tags: ['t1', 't2'], size: 7, hash_status: 'completed', civitai: { id: 5, modelId: 6 } })
  t.match(described.document, { civitai: info, modelDescription: '<p>d</p>' })
  const larger = describe(rootAt(root), path, { stat: { size: 5000, mtimeMs: 0 } })
  t.match(larger.entry, { sha256: '', size: 5000, hash_status: 'pending', model_name: 'From info' })
  for (const useless of ['broken {', '{"files":[{"primary":false}]}', '[]']) {
    writeFileSync(`${root}/my.v1.civitai.info`, useless)
    t.match(describe(rootAt(root), path).entry, { model_name: 'my.v1', civitai: null, sha256: '' })
  }
})

t.test('an information file completes a sidecar that knows nothing of CivitAI', async (t) => {
  const root = t.testdir({ 'alpha.safetensors': 'weights', 'alpha.civitai.info': JSON.stringify(info) })
  const path = `${root}/alpha.safetensors`
  writeFileSync(sidecarPath(path), JSON.stringify(complete(path, { civitai: {}, tags: [] })))
  t.match(describe(rootAt(root), path), { shouldWriteSidecar: true, sidecarMissing: false, document: { civitai: info, tags: ['t1', 't2'], modelDescription: '<p>d</p>' }, entry: { model_name: 'Alpha', civitai: { id: 5 } } })
  writeFileSync(sidecarPath(path), JSON.stringify(complete(path, { civitai: { trainedWords: ['w'] }, tags: ['own'] })))
  t.match(describe(rootAt(root), path), { shouldWriteSidecar: false, document: { civitai: { trainedWords: ['w'] }, tags: ['own'] } })
})

t.test('folders are compared by whole components', async (t) => {
  const root = t.testdir({ lora: {}, lora2: { 'a.safetensors': 'weights' } })
  t.throws(() => describe(rootAt(`${root}/lora`), `${root}/lora2/a.safetensors`), { code: 'path-outside-library' })
  t.equal(describe(rootAt(`${root}/lora2`), `${root}/lora2/a.safetensors`).entry.folder, '')
  t.equal(describe(rootAt('/'), `${root}/lora2/a.safetensors`).entry.folder, `${root.slice(1)}/lora2`)
})

t.test('hostile file names are described as they are', async (t) => {
  const root = t.testdir({})
  const names = ['quo"te\'s', 'new\nline', '🌸猫', 'trailing...', '100% \\ back', '<img src=x>', `long${'x'.repeat(239)}`]
  mkdirSync(join(root, 'd'))
  for (const name of names) {
    const path = `${root}/d/${name}.safetensors`
    writeFileSync(path, 'weights')
    const described = describe(rootAt(root), path)
    t.match(described.entry, { file_name: name, model_name: name, folder: 'd', file_path: path }, JSON.stringify(name))
    t.equal(described.shouldWriteSidecar, !name.startsWith('long'), 'a sidecar needs a name of at most 255 bytes')
  }
})

t.test('thousands of complete sidecars are described in no time', async (t) => {
  const document = Buffer.from(JSON.stringify(complete('/m/alpha.safetensors', { civitai: { id: 1, files: [], images: Array.from({ length: 10 }, (_, id) => ({ id, meta: { prompt: 'x'.repeat(500) } })) } })))
  const input: ModelFiles = { type: modelTypeByName('lora'), root: rootAt('/m'), path: '/m/alpha.safetensors', stat: { size: 7, mtimeMs: 1 }, directoryNames: createPreviewFinder(new Set(['alpha.safetensors'])), readSidecar: () => document, readInfo: () => undefined, now: NOW }
  const start = performance.now()
  for (let round = 0; round < 5000; round++) describeModel(input)
  const each = (performance.now() - start) / 5000
  t.ok(each < 0.5, `${each.toFixed(3)} ms each`)
})

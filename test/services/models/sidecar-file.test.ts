import { readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { Sidecar } from '../../../services/models/schema.ts'
import { SIDECAR_FIELD_ORDER } from '../../../services/models/sidecar-fields.ts'
import { inFieldOrder, parseSidecar, serializeSidecar, sidecarPath, writeSidecar } from '../../../services/models/sidecar-file.ts'

const text = `{
  "file_name": "alpha",
  "model_name": "アルファ 🌸",
  "file_path": "/m/alpha.safetensors",
  "size": 160,
  "modified": 1700000007.0,
  "sha256": "ab",
  "base_model": "SDXL 1.0",
  "preview_url": "",
  "zeta": {"kept": [1.50, 2e3]},
  "_private": "kept too",
  "civitai": {
    "id": 11,
    "images": [
      { "meta": { "seed": 12345678901234567890 } },
      { "meta": { "seed": 18446744073709551615 } }
    ],
    "trainedWords": ["x"]
  },
  "tags": ["one", "two"],
  "__proto__": {"polluted": true}
}`

function documentOf (bytes: Buffer | string): Record<string, unknown> {
  const parsed = parseSidecar(Buffer.from(bytes))
  if ('error' in parsed) throw new Error(parsed.error)
  return parsed.document
}

function errorOf (bytes: Buffer | string): string {
  const parsed = parseSidecar(Buffer.from(bytes))
  return 'error' in parsed ? parsed.error : ''
}

t.test('a sidecar lies beside its model with the last extension replaced', async (t) => {
  t.equal(sidecarPath('/m.x/a.b.safetensors'), '/m.x/a.b.metadata.json')
  t.equal(sidecarPath('/m.x/plain'), '/m.x/plain.metadata.json')
  t.equal(sidecarPath('/m/.safetensors'), '/m/.safetensors.metadata.json')
  t.equal(sidecarPath('/m/trailing...safetensors'), '/m/trailing...metadata.json')
  t.equal(sidecarPath('/m/quo"te\nline🌸.gguf'), '/m/quo"te\nline🌸.metadata.json')
})

t.test('what is no JSON object in UTF-8 has an error and no document', async (t) => {
  const cases: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['a byte-order mark alone', Buffer.from([0xef, 0xbb, 0xbf])],
    ['filled with NUL', Buffer.alloc(4096)],
    ['invalid UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])],
    ['UTF-16', Buffer.from('\ufeff{"a":1}', 'utf16le')],
    ['an array', Buffer.from('[{"file_name":"a"}]')],
    ['a string', Buffer.from('"text"')],
    ['null', Buffer.from('null')],
    ['cut off', Buffer.from(text.slice(0, 200))],
    ['two documents', Buffer.from('{}{}')],
    ['nested 100,000 deep', Buffer.from(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)],
    ['objects nested 20,000 deep', Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)],
    ['larger than 64 MB', Buffer.alloc(64 * 1024 * 1024 + 1, 0x20)]
  ]
  for (const [name, bytes] of cases) t.match(errorOf(bytes), /^the sidecar /, name)
})

t.test('a byte-order mark, odd field types, NaN and hostile keys are read', async (t) => {
  t.equal(documentOf(`\ufeff${text}`).size, 160)
  t.same(documentOf('{"tags": "no list", "size": null}'), { tags: 'no list', size: null })
  t.same(documentOf('{"a": NaN, "b": [-Infinity], "c": "NaN"}'), { a: null, b: [null], c: 'NaN' })
  const document = documentOf(text)
  t.ok(Object.hasOwn(document, '__proto__'))
  t.equal(Reflect.get({}, 'polluted'), undefined)
  t.equal(Object.getPrototypeOf(document), Object.prototype)
})

t.test('a sidecar of 50 MB is read', async (t) => {
  const big = Buffer.from(JSON.stringify({ file_name: 'a', notes: 'x'.repeat(50 * 1024 * 1024) }))
  t.equal(documentOf(big).file_name, 'a')
})

t.test('an unchanged document keeps every byte', async (t) => {
  for (const original of [text, JSON.stringify(JSON.parse(text)), text.replaceAll('\n', '\r\n'), `\n${text}\n`, '{ }', '{"a":1, "a":1.0}']) {
    t.equal(serializeSidecar(documentOf(original), Buffer.from(original)), original)
  }
})

t.test('an edit changes its own place and nothing else', async (t) => {
  const edited = (change: (document: Record<string, unknown>) => void): string => {
    const document = documentOf(text)
    change(document)
    return serializeSidecar(document, Buffer.from(text))
  }
  t.equal(edited((document) => { document.tags = ['one', 'three'] }), text.replace('"two"', '"three"'))
  t.equal(edited((document) => { document.notes = 'née' }), text.replace('true}\n}', 'true},\n  "notes": "née"\n}'))
  t.equal(edited((document) => { delete document._private }), text.replace('  "_private": "kept too",\n', ''))
  t.equal(edited((document) => { document.zeta = { kept: [1.5, 2000], more: { x: 1 } } }), text.replace('[1.50, 2e3]', '[1.50, 2e3],"more":{"x":1}'))
  const civitai = documentOf(text).civitai as { images: unknown[], trainedWords: string[] }
  t.equal(edited((document) => { document.civitai = { ...civitai, trainedWords: ['y', 'z'] } }), text.replace('["x"]', '["y","z"]'))
  const withoutFirst = edited((document) => { document.civitai = { ...civitai, images: civitai.images.slice(1) } })
  t.match(withoutFirst, '18446744073709551615', 'an integer beyond 2^53 survives the removal of its neighbour')
  t.notMatch(withoutFirst, '12345678901234567890')
  t.equal(edited((document) => { document.civitai = {} }), text.replace(/"civitai": \{.*\n {2}\},\n {2}"tags"/s, '"civitai": {},\n  "tags"'))
})

t.test('any document reads back as it was written, alone and as an edit of any other', async () => {
  const keys = fc.oneof(fc.constantFrom('tags', 'civitai', '_x', '__proto__', ''), fc.string({ unit: 'grapheme' }))
  const texts = fc.dictionary(keys, fc.jsonValue({ stringUnit: 'grapheme' }), { maxKeys: 8 }).map((document) => JSON.stringify(document))
  fc.assert(fc.property(texts, texts, fc.constantFrom(0, 2, '\t'), (before, after, indent) => {
    const present = Buffer.from(JSON.stringify(JSON.parse(before), null, indent))
    const alone = documentOf(serializeSidecar(JSON.parse(after)))
    const edited = documentOf(serializeSidecar(JSON.parse(after), present))
    return isDeepStrictEqual(alone, JSON.parse(after)) && isDeepStrictEqual(edited, JSON.parse(after))
  }), { numRuns: 500 })
})

t.test('a new sidecar has its fields in the usual order, the unknown after them', async (t) => {
  const ordered = Object.keys(inFieldOrder({ zeta: 1, tags: [], _own: 2, model_name: 'a', file_name: 'a' }))
  t.same(ordered, ['file_name', 'model_name', 'tags', 'zeta', '_own'])
  t.same(Object.keys(Sidecar.properties), SIDECAR_FIELD_ORDER)
  t.same(SIDECAR_FIELD_ORDER.slice(0, 8), ['file_name', 'model_name', 'file_path', 'size', 'modified', 'sha256', 'base_model', 'preview_url'])
})

t.test('writing makes a complete, ordered file without folder', async (t) => {
  const root = t.testdir({ 'naïve 🌸.safetensors': 'weights' })
  const model = join(root, 'naïve 🌸.safetensors')
  const path = sidecarPath(model)
  await writeSidecar(path, { folder: 'x', notes: 'é', file_path: model, own: 1 }, { durable: true })
  const written = readFileSync(path, 'utf8')
  t.match(written, '"notes": "é"')
  t.notMatch(written, '"folder"')
  t.same(Object.keys(JSON.parse(written)), ['file_name', 'model_name', 'file_path', 'size', 'modified', 'sha256', 'base_model', 'preview_url', 'notes', 'own'])
  t.match(JSON.parse(written), { file_name: 'naïve 🌸', size: 7, modified: statSync(model).mtimeMs / 1000 })
  t.same(readdirSync(root).sort(), ['naïve 🌸.metadata.json', 'naïve 🌸.safetensors'], 'no temporary file stays')
})

t.test('writing what is there already leaves the file alone', async (t) => {
  const root = t.testdir({ 'alpha.metadata.json': text })
  const path = join(root, 'alpha.metadata.json')
  const before = statSync(path).ino
  await writeSidecar(path, documentOf(text), { durable: false })
  t.equal(statSync(path).ino, before)
  await writeSidecar(path, { ...documentOf(text), favorite: true }, { durable: false })
  t.match(readFileSync(path, 'utf8'), /12345678901234567890[^]*"favorite": true/)
})

t.test('a broken sidecar is kept as a copy before it is replaced', async (t) => {
  const root = t.testdir({ 'a.metadata.json': '{"notes": "precious', 'b.metadata.json': '' })
  for (const [name, content] of [['a', '{"notes": "precious'], ['b', '']] as const) {
    const path = join(root, `${name}.metadata.json`)
    const { backup } = await writeSidecar(path, { file_name: name }, { durable: true })
    if (backup === null) throw new Error('no copy was made')
    t.match(backup, /\.metadata\.json\.bak-\d{8}T\d{9}Z$/)
    t.equal(readFileSync(backup, 'utf8'), content)
    t.equal(JSON.parse(readFileSync(path, 'utf8')).file_name, name)
  }
})

t.test('a sidecar that cannot be read is an error, not a missing one', async (t) => {
  const root = t.testdir({ 'a.metadata.json': {} })
  await t.rejects(writeSidecar(join(root, 'a.metadata.json'), {}, { durable: false }), { code: 'EISDIR' })
  symlinkSync('loop.metadata.json', join(root, 'loop.metadata.json'))
  await t.rejects(writeSidecar(join(root, 'loop.metadata.json'), {}, { durable: false }), { code: 'ELOOP' })
})

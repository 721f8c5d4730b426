import { execFileSync } from 'node:child_process'
import { ftruncateSync, openSync, closeSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { headerFacts } from '../../../services/models/header-facts.ts'
import { readSafetensorsHeader } from '../../../services/models/safetensors.ts'

const tensor = { dtype: 'F16', shape: [1, 2], data_offsets: [0, 4] }

function withLength (length: bigint, json: Buffer | string): Buffer {
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(length)
  return Buffer.concat([head, Buffer.from(json)])
}

function fileOf (json: Buffer | string): Buffer {
  return Buffer.concat([withLength(BigInt(Buffer.byteLength(json)), json), Buffer.from('data')])
}

t.test('metadata are found wherever they stand in the header', async (t) => {
  const root = t.testdir({})
  const path = join(root, 'a.safetensors')
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, place) => [`layer.${place}`, tensor]))
  const metadata = { format: 'pt', 'brackets "}]{': '\\"}{[🌸' }
  for (const [name, header] of Object.entries({
    first: { __metadata__: metadata, ...many },
    'last, beyond the first read': { ...many, __metadata__: metadata },
    'longer than the first read': { __metadata__: { ...metadata, long: '漢'.repeat(100_000) } },
    padded: { __metadata__: metadata }
  })) {
    const json = JSON.stringify(header) + (name === 'padded' ? ' '.repeat(100_000) : '')
    writeFileSync(path, fileOf(json))
    t.match(readSafetensorsHeader(path), { metadata, headerBytes: Buffer.byteLength(json) }, name)
  }
  writeFileSync(path, fileOf(`{"__metadata__" : ${JSON.stringify(metadata)} , "x":1}`))
  t.match(readSafetensorsHeader(path), { metadata }, 'white space')
})

t.test('a header without metadata, or with values that are no strings, has fewer', async (t) => {
  const path = join(t.testdir({}), 'a.safetensors')
  for (const [json, metadata] of [
    ['{}', {}], [JSON.stringify({ w: tensor }), {}], ['{"__metadata__":null}', {}],
    ['{"w":{"__metadata__":{"a":"b"}}}', {}],
    ['{"__metadata__":{"n":1,"l":["x"],"o":{"deep":{}},"s":"kept"}}', { s: 'kept' }],
    ['{"__metadata__":{"__proto__":"odd","constructor":"c"}}', JSON.parse('{"__proto__":"odd","constructor":"c"}')]
  ] as const) {
    writeFileSync(path, fileOf(json))
    t.strictSame(readSafetensorsHeader(path), { metadata, headerBytes: json.length }, json)
  }
})

t.test('lying and broken headers are errors, found quickly', async (t) => {
  const path = join(t.testdir({}), 'a.safetensors')
  const cases: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['shorter than a length', Buffer.from('abc')],
    ['length only', withLength(10n, '')],
    ['length 0', withLength(0n, 'data data')],
    ['length 2^63', withLength(2n ** 63n, '{"__metadata__":{}}')],
    ['length 2^64 - 1', withLength(2n ** 64n - 1n, '{"__metadata__":{}}')],
    ['length just over 64 MiB', withLength(64n * 1024n * 1024n + 1n, '{"__metadata__":{}}')],
    ['more than the file has', withLength(1000n, '{"__metadata__":{}}')],
    ['cut off inside', fileOf('{"__metadata__":{"a":"b"')],
    ['text', Buffer.from('not a tensor file at all, but long enough')],
    ['an array', fileOf('["__metadata__"]')],
    ['a bracket for the brace', fileOf('["__metadata__":{"a":"b"}]')],
    ['leading space', fileOf(' {"__metadata__":{"a":"b"}}')],
    ['metadata that are a list', fileOf('{"__metadata__":["a"]}')],
    ['metadata that are no JSON', fileOf('{"__metadata__":{"a":tru}}')],
    ['no colon', fileOf('{"__metadata__" {}}')],
    ['no key', fileOf('{1:2}')],
    ['not UTF-8', fileOf(Buffer.concat([Buffer.from('{"__metadata__":{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}}')]))],
    ['nested deeply', fileOf(`{"__metadata__":{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}}`)],
    ['a million entries', fileOf(`{"__metadata__":{${'"a":"b",'.repeat(1_000_000)}"c":"d"}}`)]
  ]
  for (const [name, bytes] of cases) {
    writeFileSync(path, bytes)
    const start = performance.now()
    t.match(readSafetensorsHeader(path), { error: /./ }, name)
    t.ok(performance.now() - start < 2000, `${name} takes no time`)
  }
})

t.test('64 MB of spaces are no header, before or after the brace', async (t) => {
  const path = join(t.testdir({}), 'bomb.safetensors')
  const size = 64 * 1024 * 1024
  for (const start of ['', '{']) {
    writeFileSync(path, fileOf(Buffer.concat([Buffer.from(start), Buffer.alloc(size - start.length, 0x20)])))
    t.match(readSafetensorsHeader(path), { error: /header/ })
  }
})

t.test('only a regular file is read, and a huge one only at its beginning', async (t) => {
  const root = t.testdir({ 'dir.safetensors': {} })
  t.match(readSafetensorsHeader(join(root, 'dir.safetensors')), { error: 'not a regular file' })
  t.match(readSafetensorsHeader(join(root, 'absent.safetensors')), { error: /ENOENT/ })
  const fifo = join(root, 'fifo.safetensors')
  execFileSync('mkfifo', [fifo])
  t.match(readSafetensorsHeader(fifo), { error: 'not a regular file' })
  const sparse = join(root, 'sparse.safetensors')
  const descriptor = openSync(sparse, 'w')
  writeSync(descriptor, fileOf('{"__metadata__":{"a":"b"}}'))
  ftruncateSync(descriptor, 40 * 1024 ** 3)
  closeSync(descriptor)
  t.match(readSafetensorsHeader(sparse), { metadata: { a: 'b' } })
})

t.test('header facts: hashes, base model, words and descriptions', async (t) => {
  const facts = headerFacts({
    sshs_model_hash: 'ABCDEF0123456789',
    ss_base_model_version: 'sdxl_base_v1-0',
    ss_tag_frequency: JSON.stringify({ '5_a': { girl: 2, hat: 7 }, '2_b': { girl: 9, __proto__: 1, odd: 'x' }, bad: [1] }),
    ss_datasets: JSON.stringify([{ subsets: [{ class_tokens: 'ohwx woman' }] }]),
    'modelspec.title': 'Title',
    'modelspec.author': 'Someone',
    'modelspec.tags': 'one, two ,,three'
  })
  t.same(facts, {
    autov3: 'abcdef012345',
    baseModel: 'SDXL 1.0',
    trainedWords: [['girl', 11], ['hat', 7]],
    classTokens: 'ohwx woman',
    title: 'Title',
    author: 'Someone',
    description: null,
    tags: ['one', 'two', 'three']
  })
})

t.test('a hash in the header counts only when it is one', async (t) => {
  const autov3 = (metadata: Record<string, string>): string => headerFacts(metadata).autov3
  t.equal(autov3({ 'modelspec.hash_sha256': ' 0xAB CDEF 0123456789 ' }), 'abcdef012345')
  t.equal(autov3({ sshs_model_hash: 'short', 'modelspec.hash_sha256': '0x00112233445566' }), '001122334455')
  t.equal(autov3({ sshs_model_hash: 'e3b0c44298fc1c149afbf4c8996fb924' }), '', 'the hash of nothing')
  t.equal(autov3({ sshs_model_hash: 'not hexadecimal' }), '')
  t.equal(autov3({}), '')
})

t.test('broken or hostile JSON inside the header counts as absent', async (t) => {
  const deep = `{"a":{"b":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
  for (const text of ['{', '[]', 'null', '"x"', deep]) {
    t.match(headerFacts({ ss_tag_frequency: text, ss_datasets: text }), { trainedWords: [], classTokens: null }, text.slice(0, 10))
  }
})

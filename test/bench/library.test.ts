import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { makeLibrary } from '../../bench/library.ts'
import { listUrl, queryKinds } from '../../bench/list-queries.ts'

/** Relative path to a hash of the content, with the library's own place taken out of sidecars. */
function fingerprint (directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(directory, name)).isFile()).sort()
  return Object.fromEntries(files.map((name) => {
    const bytes = readFileSync(join(directory, name))
    const content = name.endsWith('.json') ? bytes.toString('utf8').replaceAll(directory, '') : bytes
    return [name, createHash('sha1').update(content).digest('hex')]
  }))
}

const dir = t.testdir({ one: {}, two: {}, other: {} })
const one = makeLibrary({ directory: join(dir, 'one'), models: 420, seed: 3 })

t.test('the same seed makes the same library, another seed another one', async (t) => {
  makeLibrary({ directory: join(dir, 'two'), models: 420, seed: 3 })
  makeLibrary({ directory: join(dir, 'other'), models: 420, seed: 4 })
  t.same(fingerprint(join(dir, 'two')), fingerprint(join(dir, 'one')))
  t.notSame(Object.keys(fingerprint(join(dir, 'other'))), Object.keys(fingerprint(join(dir, 'one'))))
})

t.test('every model is a valid safetensors file with a complete sidecar of a real size', async (t) => {
  const models = readdirSync(join(dir, 'one', 'loras'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.safetensors'))
  t.equal(models.length, 420)
  const hashes = new Set<string>()
  for (const name of models) {
    const path = join(dir, 'one', 'loras', name)
    const bytes = readFileSync(path)
    const length = Number(bytes.readBigUInt64LE())
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8')) as Record<string, { data_offsets?: [number, number] }>
    const [tensor] = Object.entries(header).filter(([key]) => key !== '__metadata__')
    if (tensor?.[1].data_offsets?.[1] !== bytes.length - 8 - length) t.fail(`offsets of ${name}`)
    const text = readFileSync(path.replace(/safetensors$/, 'metadata.json'), 'utf8')
    const sidecar = JSON.parse(text) as { sha256: string, size: number, file_path: string }
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    hashes.add(sha256)
    if (sidecar.sha256 !== sha256 || sidecar.size !== bytes.length || sidecar.file_path !== path) t.fail(`sidecar of ${name}`)
    if (text.length < 2_000 || text.length > 7_000) t.fail(`${text.length} characters in the sidecar of ${name}`)
  }
  t.equal(hashes.size, models.length - 2, 'one model in two hundred has the bytes of another')
})

t.test('previews are images of 30 to 100 KB', async (t) => {
  const previews = readdirSync(join(dir, 'one', '.drawings'))
  t.equal(previews.length, 12)
  for (const name of previews) {
    const file = join(dir, 'one', '.drawings', name)
    const { format, width, height } = await sharp(file).metadata()
    t.same({ format, width, height }, { format: 'png', width: 240, height: 320 })
    await t.resolves(sharp(file).stats(), 'every pixel can be decoded')
    t.ok(statSync(file).size > 30_000 && statSync(file).size < 110_000, `${name}: ${statSync(file).size} bytes`)
  }
})

t.test('no two variants of one kind of query are alike', async (t) => {
  for (const kind of queryKinds({ ...one, counts: { ...one.counts, loras: 100_000 } })) {
    const urls = Array.from({ length: 24 }, (_, n) => listUrl(kind.query(n)))
    t.ok(new Set(urls).size >= 20, `${kind.name}: ${new Set(urls).size} of ${urls.length}`)
  }
})

import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isOwnTempName, ownTempPath, writeFileAtomic, writeFileAtomicSync } from '../../../services/files/atomic-write.ts'
import { sourceArguments } from '../../helpers/source-arguments.ts'

const ways = {
  'the asynchronous write': writeFileAtomic,
  'the blocking write': async (...args: Parameters<typeof writeFileAtomic>) => { writeFileAtomicSync(...args) }
}

for (const [name, write] of Object.entries(ways)) {
  t.test(`${name} replaces a file as a whole and leaves nothing else`, async (t) => {
    const dir = t.testdir({ 'a.json': 'old' })
    for (const durable of [true, false]) {
      await write(join(dir, 'a.json'), `new ${durable}`, { durable })
      t.equal(readFileSync(join(dir, 'a.json'), 'utf8'), `new ${durable}`)
    }
    await write(join(dir, 'b.bin'), Buffer.from([0, 255]), { durable: false })
    t.same(readFileSync(join(dir, 'b.bin')), Buffer.from([0, 255]))
    t.same(readdirSync(dir).sort(), ['a.json', 'b.bin'])
  })

  t.test(`${name} keeps the permissions of a file, or sets those asked for`, async (t) => {
    const dir = t.testdir({ 'a.json': 'old' })
    chmodSync(join(dir, 'a.json'), 0o664)
    await write(join(dir, 'a.json'), 'new', { durable: false })
    t.equal(statSync(join(dir, 'a.json')).mode & 0o777, 0o664)
    await write(join(dir, 'a.json'), 'new', { durable: false, mode: 0o600 })
    t.equal(statSync(join(dir, 'a.json')).mode & 0o777, 0o600)
  })

  t.test(`${name} that fails leaves the old thing and no temporary file`, async (t) => {
    const dir = t.testdir({ target: { inside: 'kept' } })
    await t.rejects(write(join(dir, 'target'), 'new', { durable: true }))
    await t.rejects(write(join(dir, 'missing', 'a'), 'new', { durable: true }), { code: 'ENOENT' })
    t.same(readdirSync(dir), ['target'])
    t.equal(readFileSync(join(dir, 'target', 'inside'), 'utf8'), 'kept')
  })

  t.test(`${name} replaces a link, or on request what it points at`, async (t) => {
    const dir = t.testdir({ real: { 'a.json': 'old' } })
    const link = join(dir, 'a.json')
    symlinkSync(join(dir, 'real', 'a.json'), link)
    await write(link, 'through', { durable: false, followLink: true })
    t.equal(readFileSync(join(dir, 'real', 'a.json'), 'utf8'), 'through')
    t.ok(lstatSync(link).isSymbolicLink())
    await write(link, 'instead', { durable: false })
    t.notOk(lstatSync(link).isSymbolicLink())
    t.equal(readFileSync(join(dir, 'real', 'a.json'), 'utf8'), 'through')
  })
}

t.test('temporary names are ours, differ, stay in the folder and fit any file system', async (t) => {
  const names = new Set(Array.from({ length: 100 }, () => ownTempPath('/m/x.metadata.json')))
  t.equal(names.size, 100)
  for (const path of names) t.ok(path.startsWith('/m/.') && isOwnTempName(path.slice(3)))
  t.ok(Buffer.byteLength(ownTempPath(`/${'漢'.repeat(80)}.json`)) < 255)
  for (const foreign of ['x.modelshelf-tmp', '.x.tmp', '.x.modelshelf-tmp', 'x.safetensors', '.x.0123456789abcdef.modelshelf-tmp.json']) t.notOk(isOwnTempName(foreign), foreign)
})

t.test('many writers of one file leave one of their texts', async (t) => {
  const dir = t.testdir()
  const texts = Array.from({ length: 50 }, (_, n) => String(n).repeat(5000))
  await Promise.all(texts.map((text) => writeFileAtomic(join(dir, 'a'), text, { durable: false })))
  t.ok(texts.includes(readFileSync(join(dir, 'a'), 'utf8')))
  t.same(readdirSync(dir), ['a'])
})

t.test('a file is never torn when the process is killed while it writes', async (t) => {
  const dir = t.testdir({ 'a.json': JSON.stringify({ n: -1, filler: '' }) })
  const file = join(dir, 'a.json')
  const module = new URL('../../../services/files/atomic-write.ts', import.meta.url).href
  const script = `import(${JSON.stringify(module)}).then(async ({ writeFileAtomic }) => {
    process.stdout.write('up')
    for (let n = 0; ; n++) await writeFileAtomic(${JSON.stringify(file)}, JSON.stringify({ n, filler: 'x'.repeat(200000) }), { durable: n % 2 === 0 })
  })`
  const texts = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [...sourceArguments, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    const first = readFileSync(file, 'utf8')
    while (readFileSync(file, 'utf8') === first) texts.add(first)
    child.kill('SIGKILL')
    await ended
    t.type(JSON.parse(readFileSync(file, 'utf8')).n, 'number')
  }
  t.ok(readdirSync(dir).every((name) => name === 'a.json' || isOwnTempName(name)))
  t.ok(texts.size > 0)
})

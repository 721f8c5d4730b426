import { rename, symlink, writeFile, mkdir, utimes } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { modelApp } from '../../helpers/model-app.ts'

const image = Buffer.from('RIFF....WEBP-not-really-but-bytes')
const url = (path: string): string => `/api/lm/previews?path=${encodeURIComponent(path)}`

t.test('a preview inside a root is served with validators and a type that fits', async (t) => {
  const dir = t.testdir({ loras: { 'a.webp': image, 'b.AVIF': image, 'c.jxl': image, 'd.webm': image, 'e.png': image } })
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [join(dir, 'loras')] } } } })
  const types = { 'a.webp': 'image/webp', 'b.AVIF': 'image/avif', 'c.jxl': 'image/jxl', 'd.webm': 'video/webm', 'e.png': 'image/png' }
  for (const [name, type] of Object.entries(types)) {
    const reply = await app.inject(url(join(dir, 'loras', name)))
    t.equal(reply.statusCode, 200, name)
    t.equal(reply.headers['content-type'], type, name)
    t.same(reply.rawPayload, image, name)
  }
  const { headers } = await app.inject(url(join(dir, 'loras/a.webp')))
  t.match(headers, { 'cache-control': 'public, max-age=86400', etag: /^W\/"[0-9a-f]+-[0-9a-f]+"$/, 'accept-ranges': 'bytes', 'x-content-type-options': 'nosniff', 'content-length': String(image.length) })
  t.ok(Date.parse(String(headers['last-modified'])) > 0)
  const head = await app.inject({ method: 'HEAD', url: url(join(dir, 'loras/a.webp')) })
  t.match(head, { statusCode: 200, payload: '' })
  t.equal(head.headers['content-length'], String(image.length))
})

t.test('an unchanged preview is answered 304, a changed one anew at once', async (t) => {
  const dir = t.testdir({ 'a.webp': image })
  const path = join(dir, 'a.webp')
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [dir] } } } })
  const first = await app.inject(url(path))
  const etag = String(first.headers.etag)
  const again = await app.inject({ url: url(path), headers: { 'if-none-match': etag } })
  t.match(again, { statusCode: 304, payload: '' })
  t.equal(again.headers.etag, etag)
  t.equal((await app.inject({ url: url(path), headers: { 'if-none-match': `"x", ${etag.slice(2)}` } })).statusCode, 304, 'one of several, without the weakness mark')
  t.equal((await app.inject({ url: url(path), headers: { 'if-modified-since': String(first.headers['last-modified']) } })).statusCode, 304)
  t.equal((await app.inject({ url: url(path), headers: { 'if-modified-since': String(first.headers['last-modified']), 'if-none-match': 'W/"other"' } })).statusCode, 200, 'the ETag outranks the date')
  t.equal((await app.inject({ url: url(path), headers: { 'if-modified-since': 'nonsense' } })).statusCode, 200)
  const other = Buffer.from('another picture')
  await writeFile(path, other)
  await utimes(path, 1, 1)
  const changed = await app.inject({ url: url(path), headers: { 'if-none-match': etag } })
  t.equal(changed.statusCode, 200)
  t.same(changed.rawPayload, other)
})

t.test('ranges of small files and of large ones that are streamed', async (t) => {
  const large = Buffer.alloc(3 * 1024 * 1024 + 7, 'abcdefgh')
  const dir = t.testdir({ 'a.webp': image, 'b.mp4': large, 'empty.webp': '' })
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [dir] } } } })
  for (const [name, content] of [['a.webp', image], ['b.mp4', large]] as const) {
    const ask = (range: string, headers = {}) => app.inject({ url: url(join(dir, name)), headers: { range, ...headers } })
    const size = content.length
    const whole = await app.inject(url(join(dir, name)))
    t.ok(whole.rawPayload.equals(content), `${name} as a whole`)
    t.equal(whole.headers['content-length'], String(size))
    const cases: [string, number, number][] = [['bytes=0-3', 0, 3], ['bytes=5-', 5, size - 1], ['bytes=-4', size - 4, size - 1], [`bytes=2-${size * 2}`, 2, size - 1]]
    for (const [range, start, end] of cases) {
      const part = await ask(range)
      t.equal(part.statusCode, 206, `${name} ${range}`)
      t.equal(part.headers['content-range'], `bytes ${start}-${end}/${size}`)
      t.ok(part.rawPayload.equals(content.subarray(start, end + 1)), `${name} ${range}`)
    }
    const beyond = await ask(`bytes=${size}-`)
    t.equal(beyond.statusCode, 416)
    t.equal(beyond.headers['content-range'], `bytes */${size}`)
    for (const ignored of ['bytes=0-1,3-4', 'bytes=9-3', 'lines=1-2', 'bytes=-']) t.equal((await ask(ignored)).statusCode, 200, `${ignored} is ignored`)
    t.equal((await ask('bytes=0-3', { 'if-range': String(whole.headers.etag) })).statusCode, 200, 'a weak ETag confirms no part')
    t.equal((await ask('bytes=0-3', { 'if-range': String(whole.headers['last-modified']) })).statusCode, 206)
    const head = await app.inject({ method: 'HEAD', url: url(join(dir, name)) })
    t.match(head, { statusCode: 200, payload: '' })
    t.equal(head.headers['content-length'], String(size))
  }
  t.match(await app.inject(url(join(dir, 'empty.webp'))), { statusCode: 200, payload: '' })
})

t.test('what is not media of the library is refused, whether it exists or not', async (t) => {
  const dir = t.testdir({
    loras: { 'a.safetensors': 'model', 'a.metadata.json': '{}', 'a.webp': image, 'x.svg': '<svg/>' },
    'loras-other': { 'a.webp': image },
    secret: { 'a.webp': image, 'key.txt': 'k' }
  })
  const loras = join(dir, 'loras')
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [loras] } } } })
  const refused = [
    join(dir, 'secret/a.webp'), join(dir, 'secret/missing.webp'), join(dir, 'loras-other/a.webp'), `${loras}/../secret/a.webp`, `${loras}/../../../../../etc/passwd`,
    '/etc/passwd', '/proc/self/environ', `${loras}/a.safetensors`, `${loras}/a.metadata.json`, `${loras}/x.svg`, loras, `${loras}/`
  ]
  for (const path of refused) {
    const reply = await app.inject(url(path))
    t.equal(reply.statusCode, 403, path)
    t.match(reply.json(), { success: false, error: String })
    t.notMatch(reply.payload, 'secret', 'the answer names no path')
  }
  const bodies = await Promise.all(['secret/a.webp', 'secret/missing.webp'].map(async (name) => (await app.inject(url(join(dir, name)))).payload))
  t.equal(bodies[0], bodies[1], 'the same answer whether or not it exists')
  for (const invalid of ['/api/lm/previews', '/api/lm/previews?path=', url('relative/a.webp'), url(`${loras}/a\0.webp`), url('a'.repeat(5000))]) {
    t.equal((await app.inject(invalid)).statusCode, 400, invalid.slice(0, 60))
  }
})

t.test('links inside a root are followed, but never to something that is no media', async (t) => {
  const dir = t.testdir({ loras: { deep: {} }, nas: { 'n.webp': image, 'secret.txt': 'secret' }, outside: { 'o.webp': image } })
  const loras = join(dir, 'loras')
  await symlink(join(dir, 'nas'), join(loras, 'deep/nas'))
  await symlink(join(dir, 'nas/n.webp'), join(loras, 'file.webp'))
  await symlink(join(dir, 'nas/secret.txt'), join(loras, 'disguised.webp'))
  await symlink(join(loras, 'loop.webp'), join(loras, 'loop.webp'))
  await symlink(loras, join(dir, 'alias'))
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [join(dir, 'alias')] } } } })
  const status = async (path: string) => (await app.inject(url(path))).statusCode
  t.equal(await status(join(dir, 'alias/deep/nas/n.webp')), 200, 'a folder link deep inside the root')
  t.equal(await status(join(dir, 'alias/file.webp')), 200, 'a file link')
  t.equal(await status(join(loras, 'file.webp')), 200, 'the real spelling of a root that is a link')
  t.equal(await status(join(dir, 'alias/disguised.webp')), 403, 'a link to something else')
  t.equal(await status(join(dir, 'nas/n.webp')), 403, 'a request does not widen what is allowed')
  t.equal(await status(`${dir}/alias/deep/nas/../../../outside/o.webp`), 403, 'out by way of ..')
  t.equal(await status(join(dir, 'alias/loop.webp')), 404)
})

t.test('a preview that is gone is told to every library and never cached as gone', async (t) => {
  const dir = t.testdir({ 'a.webp': image, 'folder.webp': {} })
  const missed: string[] = []
  const library = { missPreview: (path: string) => { missed.push(path) } }
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [dir] }, library }, embeddings: { library } } })
  const path = join(dir, 'a.webp')
  t.equal((await app.inject(url(path))).statusCode, 200)
  await rename(path, `${path}.moved`)
  const gone = await app.inject(url(path))
  t.equal(gone.statusCode, 404)
  t.equal(gone.headers['cache-control'], 'no-cache')
  t.same(missed, [path, path])
  t.equal((await app.inject(url(join(dir, 'folder.webp')))).statusCode, 404, 'a folder is no preview')
  await rename(`${path}.moved`, path)
  t.equal((await app.inject(url(path))).statusCode, 200, 'back again')
})

t.test('names that look encoded are found, and paths that were encoded twice too', async (t) => {
  const dir = t.testdir()
  const names = ['100%41.webp', 'ünï 猫 #1?.webp', "it's (1)!.webp", 'a&b=c.webp', '%.webp']
  for (const name of names) await writeFile(join(dir, name), name)
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [dir] } } } })
  for (const name of names) t.equal((await app.inject(url(join(dir, name)))).payload, name)
  const twice = await app.inject(url(encodeURIComponent(join(dir, 'a&b=c.webp'))))
  t.equal(twice.payload, 'a&b=c.webp')
  t.equal((await app.inject(url(`${dir}/${encodeURIComponent('a&b=c.webp')}`))).payload, 'a&b=c.webp')
  t.equal((await app.inject(url(encodeURIComponent(`${dir}/../x.webp`)))).statusCode, 403, 'decoding opens nothing')
  await writeFile(join(dir, 'A.webp'), 'decoded')
  t.equal((await app.inject(url(join(dir, '100%41.webp')))).payload, '100%41.webp', 'the literal name wins')
})

t.test('a pipe with a media name holds nothing up', async (t) => {
  const dir = t.testdir({})
  execFileSync('mkfifo', [join(dir, 'p.webp')])
  const { app } = await modelApp(t, { libraries: { loras: { roots: { loras: [dir] } } } })
  t.equal((await app.inject(url(join(dir, 'p.webp')))).statusCode, 404)
})

t.test('media of the recipes folder are served', async (t) => {
  const dir = t.testdir({ recipes: { 'r.webp': image } })
  const { app } = await modelApp(t, { settings: { recipes_path: join(dir, 'recipes') } })
  t.equal((await app.inject(url(join(dir, 'recipes/r.webp')))).statusCode, 200)
  t.equal((await app.inject(url(join(dir, 'r.webp')))).statusCode, 403)
})

t.test('a memory cache of any size serves the bytes that are on the disk', async (t) => {
  for (const megabytes of [0, 1, 16]) {
    const dir = t.testdir({ [`${megabytes}`]: {} })
    const folder = join(dir, `${megabytes}`)
    await mkdir(folder, { recursive: true })
    const { app } = await modelApp(t, { settings: { max_preview_cache_mb: megabytes }, libraries: { loras: { roots: { loras: [folder] } } } })
    for (const content of ['one', 'two', 'three']) {
      await writeFile(join(folder, 'a.webp'), content)
      await app.inject(url(join(folder, 'a.webp')))
      t.equal((await app.inject(url(join(folder, 'a.webp')))).payload, content, `${megabytes} MB, ${content}`)
    }
  }
})

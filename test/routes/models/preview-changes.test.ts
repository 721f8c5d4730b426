import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import type { Test } from 'tap'
import { putFile, putModel, runningApp, type RunningApp } from '../../helpers/running-app.ts'
import { until } from '../../helpers/scan-bench.ts'

const ROUTE = '/api/lm/loras/replace-preview'
const image = async (width = 600, height = 400): Promise<Buffer> => await sharp({ create: { width, height, channels: 3, background: 'teal' } }).png().toBuffer()
const mp4 = Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isommp41', 'latin1'), Buffer.alloc(5000, 7)])

type Part = { name: string, value: string } | { name: string, filename: string, type: string, content: Buffer }

function form (parts: readonly Part[], boundary = 'frontier'): Buffer {
  return Buffer.concat([...parts.flatMap((part) => 'value' in part
    ? [Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${part.name}"\r\n\r\n${part.value}\r\n`)]
    : [Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${part.name}"; filename="${part.filename}"\r\ncontent-type: ${part.type}\r\n\r\n`), part.content, Buffer.from('\r\n')]), Buffer.from(`--${boundary}--\r\n`)])
}

const picture = (content: Buffer, filename = 'p.png', type = 'image/png'): Part => ({ name: 'preview_file', filename, type, content })

async function upload (run: RunningApp, parts: readonly Part[], url = ROUTE) {
  const answer = await run.app.inject({ method: 'POST', url, payload: form(parts), headers: { 'content-type': 'multipart/form-data; boundary=frontier' } })
  return { status: answer.statusCode, json: answer.json() as Record<string, unknown> }
}

const beside = (path: string): string[] => readdirSync(dirname(path)).filter((name) => !name.startsWith('.modelshelf-trash')).sort()
const sidecarOf = (path: string) => JSON.parse(readFileSync(path.replace(/\.\w+$/, '.metadata.json'), 'utf8')) as Record<string, unknown>
const address = (path: string): string => `/api/lm/previews?path=${encodeURIComponent(path)}`
const uploadsLeft = (run: RunningApp): string[] => {
  const shelf = join(run.settingsDirectory, 'modelshelf', 'uploads-loras')
  return existsSync(shelf) ? readdirSync(shelf) : []
}
const listed = async (run: RunningApp, name: string) => {
  const { items } = (await run.get('/api/lm/loras/list?page_size=100')).json as unknown as { items: Record<string, unknown>[] }
  return items.find(({ file_name: file }) => file === name)
}

t.test('a new preview: disk, sidecar, list and answer agree, former ones of every form are in the trash, and it can be undone', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras }) {
      putModel(loras, 'a/cat.v1', { notes: 'meow', x_other: [1, { deep: 'ü' }], preview_nsfw_level: 1, preview_url: join(loras, 'a/cat.v1.png') })
      putModel(loras, 'a/cat.v1.big')
      for (const ending of ['.png', '.preview.jpg', '.WEBP', '.mov', '.example.0.jpeg', '.big.webp', '.txt']) putFile(join(loras, `a/cat.v1${ending}`), `old ${ending}`)
    }
  })
  const path = join(run.roots.loras, 'a/cat.v1.safetensors')
  const before = beside(path)
  const version = (await listed(run, 'cat.v1'))?.preview_version
  const { status, json } = await upload(run, [picture(await image()), { name: 'nsfw_level', value: '4' }, { name: 'model_path', value: path }])
  const target = join(run.roots.loras, 'a/cat.v1.webp')
  t.same([status, json], [200, { success: true, preview_url: address(target), preview_nsfw_level: 4 }])
  t.same(beside(path), ['cat.v1.big.metadata.json', 'cat.v1.big.safetensors', 'cat.v1.big.webp', 'cat.v1.example.0.jpeg', 'cat.v1.metadata.json', 'cat.v1.safetensors', 'cat.v1.txt', 'cat.v1.webp'])
  const { format, width, height } = await sharp(readFileSync(target)).metadata()
  t.same([format, width, height], ['webp', 480, 320])
  t.match(sidecarOf(path), { preview_url: target, preview_nsfw_level: 4, notes: 'meow', x_other: [1, { deep: 'ü' }] })
  const item = await listed(run, 'cat.v1')
  t.match(item, { preview_url: address(target), preview_nsfw_level: 4 })
  t.not(item?.preview_version, version)
  t.equal((await run.get(address(target))).headers['content-type'], 'image/webp')
  t.same(uploadsLeft(run), [])
  t.match(run.events.at(-1), { type: 'model.updated', data: { model_type: 'lora', file_path: path } })

  const { items } = (await run.get('/api/v1/operations')).json as unknown as { items: { id: string, kind: string }[] }
  t.match(items[0], { kind: 'replace-preview', undoable: true })
  t.equal((await run.post(`/api/v1/operations/${items[0]?.id}/undo`)).status, 200)
  t.same(beside(path), before)
  t.match(sidecarOf(path), { preview_url: join(run.roots.loras, 'a/cat.v1.png'), preview_nsfw_level: 1, notes: 'meow' })
  t.match(await listed(run, 'cat.v1'), { preview_url: address(join(run.roots.loras, 'a/cat.v1.png')), preview_nsfw_level: 1 })
})

t.test('what the bytes are decides on the form, the parts may come in any order, a bad level is 0', async (t) => {
  const run = await runningApp(t, { prepare: ({ loras }) => { putModel(loras, 'm', null) } })
  const path = join(run.roots.loras, 'm.safetensors')
  const gif = await sharp(await image(20, 20)).gif().toBuffer()
  const cases: [Buffer, string, string, string][] = [
    [mp4, 'clip.mp4', 'video/mp4', '.mp4'], [mp4, 'picture.png', 'image/png', '.mp4'], [gif, 'x.jpg', 'image/jpeg', '.gif'], [await image(), 'film.mp4', 'video/mp4', '.webp'],
    [Buffer.concat([Buffer.from('\0\0\0\x14ftypqt  \0\0\0\0', 'latin1'), Buffer.alloc(99)]), 'x.mov', 'video/quicktime', '.mov']
  ]
  for (const [index, [bytes, filename, type, ending]] of cases.entries()) {
    const parts: Part[] = [picture(bytes, filename, type), { name: 'model_path', value: path }, { name: 'nsfw_level', value: ['x', '-3', '', '8', '1.5'][index] ?? '' }]
    const { status, json } = await upload(run, index % 2 === 0 ? parts : parts.reverse())
    t.same([status, json.preview_url, json.preview_nsfw_level], [200, address(path.replace('.safetensors', ending)), index === 3 ? 8 : 0], `${filename} becomes ${ending}`)
    t.same(beside(path), ['m.metadata.json', 'm.safetensors', `m${ending}`].sort())
    if (ending !== '.webp') t.ok(readFileSync(path.replace('.safetensors', ending)).equals(bytes), 'its bytes are kept')
  }
  t.match(sidecarOf(path), { file_name: 'm', model_name: 'm', file_path: path, tags: [], sha256: /^[0-9a-f]{64}$/ }, 'a sidecar that was not there is complete')
})

t.test('a refused upload touches nothing', async (t) => {
  const run = await runningApp(t, {
    prepare ({ loras, checkpoints }) {
      putModel(loras, 'm')
      putFile(join(loras, 'm.png'), 'old preview')
      putModel(loras, 'broken')
      putFile(join(loras, 'broken.metadata.json'), '{ not json')
      putModel(checkpoints, 'other')
    }
  })
  const path = join(run.roots.loras, 'm.safetensors')
  const good = await image()
  const model = (value: string): Part => ({ name: 'model_path', value })
  const before = beside(path).map((name) => [name, readFileSync(join(run.roots.loras, name), 'utf8')])
  const cases: [string, number, Part[]][] = [
    ['not an image', 400, [model(path), picture(Buffer.from('hello'))]],
    ['half an image', 400, [model(path), picture(good.subarray(0, good.length - 30))]],
    ['an empty file', 400, [model(path), picture(Buffer.alloc(0))]],
    ['a web page named .webp', 400, [model(path), picture(Buffer.from('<html><script>'), 'x.webp', 'image/webp')]],
    ['an SVG', 400, [model(path), picture(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'x.svg', 'image/svg+xml')]],
    ['no file', 400, [model(path)]],
    ['no path', 400, [picture(good)]],
    ['an empty path', 400, [model(''), picture(good)]],
    ['a path outside', 400, [model('/etc/passwd'), picture(good)]],
    ['a path that climbs out', 400, [model(`${run.roots.loras}/../../x.safetensors`), picture(good)]],
    ['a path of another type', 400, [model(join(run.roots.checkpoints, 'other.safetensors')), picture(good)]],
    ['a model that is not there', 404, [model(join(run.roots.loras, 'none.safetensors')), picture(good)]],
    ['a file that is no model', 404, [picture(good), model(join(run.roots.loras, 'm.png'))]],
    ['the root itself', 404, [model(run.roots.loras), picture(good)]],
    ['a broken sidecar', 409, [model(join(run.roots.loras, 'broken.safetensors')), picture(good)]],
    ['two files', 413, [model(path), picture(good), picture(good)]],
    ['too many fields', 413, [...Array.from({ length: 11 }, (_, n): Part => ({ name: `f${n}`, value: 'x' })), model(path), picture(good)]]
  ]
  for (const [name, status, parts] of cases) {
    const answer = await upload(run, parts)
    t.same([answer.status, answer.json.success], [status, false], `${name}: ${JSON.stringify(answer.json)}`)
  }
  t.equal((await run.post(ROUTE, { model_path: path })).status, 400, 'a JSON body')
  t.same(beside(path).map((name) => [name, readFileSync(join(run.roots.loras, name), 'utf8')]), before)
  t.same(uploadsLeft(run), [])
  t.equal(((await run.get('/api/v1/operations')).json as unknown as { items: unknown[] }).items.length, 0)
})

t.test('an upload that is larger than allowed, or that is broken off, leaves nothing behind', async (t) => {
  const run = await runningApp(t, { prepare: ({ loras }) => { putModel(loras, 'm') } })
  const path = join(run.roots.loras, 'm.safetensors')
  await run.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = run.app.server.address() as AddressInfo

  const large = new FormData()
  large.set('preview_file', new Blob([mp4, Buffer.alloc(100 * 1024 * 1024)], { type: 'video/mp4' }), 'x.mp4')
  large.set('model_path', path)
  const answer = await fetch(`http://127.0.0.1:${port}${ROUTE}`, { method: 'POST', body: large })
  t.same([answer.status, (await answer.json() as Record<string, unknown>).success], [413, false])
  t.same(uploadsLeft(run), [])

  const socket = connect(port, '127.0.0.1')
  const body = form([picture(Buffer.alloc(400_000, 1), 'x.mp4', 'video/mp4')])
  socket.write(`POST ${ROUTE} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: multipart/form-data; boundary=frontier\r\ncontent-length: ${body.length + 500_000}\r\n\r\n`)
  socket.write(body.subarray(0, 300_000))
  await until(() => uploadsLeft(run).length === 1, 'the upload to arrive')
  const begun = performance.now()
  socket.destroy()
  await until(() => uploadsLeft(run).length === 0, 'the rest of it to be removed')
  t.ok(performance.now() - begun < 1000, 'within a second')
  t.same(beside(path), ['m.metadata.json', 'm.safetensors'])
})

async function serve (t: Test, listener: RequestListener): Promise<{ origin: string, seen: string[] }> {
  const seen: string[] = []
  const server = createServer((request, reply) => { seen.push(request.url ?? ''); listener(request, reply) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

t.test('a preview from the web: from public hosts and the configured providers only, one answer for every failure of the other side', async (t) => {
  const bytes = await image()
  const { origin, seen } = await serve(t, (request, reply) => {
    if (request.url === '/missing.png') { reply.statusCode = 404; return reply.end('gone') }
    if (request.url === '/page.png') { reply.setHeader('content-type', 'image/png'); return reply.end('<html>') }
    reply.setHeader('content-type', 'text/plain')
    reply.end(request.url === '/clip.jpeg' ? mp4 : bytes)
  })
  const inner = await serve(t, (_request, reply) => { reply.end(bytes) })
  const run = await runningApp(t, { settings: { provider_base_urls: { civitai: `${origin}/api/v1` } }, prepare: ({ loras }) => { putModel(loras, 'm') } })
  const path = join(run.roots.loras, 'm.safetensors')
  const set = async (url: string, more: Record<string, unknown> = {}) => await run.post('/api/lm/loras/set-preview-from-url', { model_path: path, image_url: url, ...more })

  const first = await set(`${origin}/a.png`, { nsfw_level: 2 })
  t.same([first.status, first.json], [200, { success: true, preview_url: address(join(run.roots.loras, 'm.webp')), preview_nsfw_level: 2 }])
  t.match(sidecarOf(path), { preview_url: join(run.roots.loras, 'm.webp'), preview_nsfw_level: 2 })
  t.equal((await set(`${origin}/clip.jpeg`)).status, 200)
  t.same(beside(path), ['m.metadata.json', 'm.mp4', 'm.safetensors'], 'a video by its bytes')

  for (const url of [`${inner.origin}/x.png`, 'http://localhost/x.png', 'http://169.254.169.254/latest/meta-data/', 'file:///etc/passwd', `${origin.replace('//', '//u:p@')}/a.png`, 'nonsense']) {
    const { status, json } = await set(url)
    t.match([status, json], [400, { success: false, code: 'address-refused' }], url)
  }
  t.same(inner.seen, [], 'nobody inside was asked')
  const missing = await set(`${origin}/missing.png`)
  t.same([missing.status, missing.json], [502, { success: false, error: 'Failed to download image from URL', code: 'preview-download-failed' }])
  t.equal((await set(`${origin}/page.png`)).status, 400, 'a page is no image, whatever its type says')
  t.equal((await run.post('/api/lm/loras/set-preview-from-url', {})).status, 400)
  t.equal((await run.post('/api/lm/loras/set-preview-from-url', { model_path: path })).status, 400)
  const asked = seen.length
  t.equal((await run.post('/api/lm/loras/set-preview-from-url', { model_path: '/etc/passwd', image_url: `${origin}/a.png` })).status, 400)
  t.equal(seen.length, asked, 'nothing is fetched for a path outside')
  t.same(beside(path), ['m.metadata.json', 'm.mp4', 'm.safetensors'])
  t.same(uploadsLeft(run), [])
})

t.test('leftovers of a killed process go with the next upload', async (t) => {
  const run = await runningApp(t, { prepare: ({ loras }) => { putModel(loras, 'm') } })
  const shelf = join(run.settingsDirectory, 'modelshelf', 'uploads-loras')
  putFile(join(shelf, 'stale.upload'), 'x')
  writeFileSync(join(run.settingsDirectory, 'modelshelf', 'not-ours'), 'y')
  t.equal((await upload(run, [picture(await image()), { name: 'model_path', value: join(run.roots.loras, 'm.safetensors') }])).status, 200)
  t.same(uploadsLeft(run), [])
  t.ok(existsSync(join(run.settingsDirectory, 'modelshelf', 'not-ours')))
})

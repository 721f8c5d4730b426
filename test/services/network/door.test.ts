import t from 'tap'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createDoor } from '../../../services/network/door.ts'
import { proxyOf } from '../../../services/network/dispatcher.ts'

const silent = { warn () {} }

async function serve (t: Test, listener: RequestListener): Promise<{ origin: string, server: Server, port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, server, port }
}

function open (t: Test, origin: string, settings: Record<string, unknown> = {}, enabled = () => true) {
  const door = createDoor({ settings: { get: <T>(key: string) => settings[key] as T }, logger: silent })
  t.teardown(() => door.close())
  door.register({ name: 'test', purpose: 'Tests', origins: [origin], enabled })
  return door
}

t.test('a request reaches a registered destination with its method, headers and body', async (t) => {
  const seen: Record<string, unknown>[] = []
  const { origin } = await serve(t, (request, reply) => {
    let body = ''
    request.on('data', (chunk: Buffer) => { body += chunk.toString() }).on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body })
      reply.setHeader('x-answer', 'yes')
      reply.statusCode = 201
      reply.end('{"ok":true}')
    })
  })
  const door = open(t, origin)
  const answer = await door.request({ destination: 'test', url: `${origin}/a?b=c`, method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  t.match(answer, { status: 201, headers: { 'x-answer': 'yes' } })
  t.equal(answer.body.toString(), '{"ok":true}')
  t.match(seen, [{ method: 'POST', url: '/a?b=c', body: '{}', headers: { 'content-type': 'application/json', 'accept-encoding': 'identity', 'user-agent': /^modelshelf/ } }])
  t.notOk((seen[0]?.headers as Record<string, unknown>).authorization, 'no credentials of anybody')
  t.same(door.destinations().map(({ name }) => name), ['media', 'test'])
})

t.test('only the exact origins of registered destinations are asked, and only while they are on', async (t) => {
  let requests = 0
  const { origin, port } = await serve(t, (_request, reply) => { requests++; reply.end() })
  const settings: Record<string, unknown> = {}
  let enabled = true
  const door = open(t, origin, settings, () => enabled)
  const ask = (url: string, destination = 'test') => door.request({ destination, url })
  for (const url of [`http://localhost:${port}/`, `https://127.0.0.1:${port}/`, `http://user:pass@127.0.0.1:${port}/`, `http://127.0.0.1:${port + 1}/`, `${origin}.evil.example/`, 'file:///etc/passwd', 'nonsense']) {
    await t.rejects(ask(url), { kind: 'forbidden', code: 'destination-mismatch' }, url)
  }
  door.register({ name: 'named', purpose: 'Tests', origins: ['https://models.example'], enabled: () => true })
  for (const url of ['https://models.example.evil.example/', 'https://models.example:444/', 'http://models.example/', 'https://sub.models.example/']) {
    await t.rejects(ask(url, 'named'), { code: 'destination-mismatch' }, url)
  }
  await t.rejects(ask(origin, 'other'), { kind: 'unavailable', code: 'destination-unknown' })
  enabled = false
  await t.rejects(ask(origin), { kind: 'unavailable', code: 'destination-off' })
  enabled = true
  settings.offline_mode = true
  await t.rejects(ask(origin), { kind: 'unavailable', code: 'offline-mode' })
  t.equal(requests, 0)
  settings.offline_mode = false
  t.equal((await ask(origin)).status, 200)
  await door.close()
  await t.rejects(ask(origin), { kind: 'unavailable', code: 'shutting-down' })
})

t.test('redirects are answers, not orders', async (t) => {
  let requests = 0
  const { origin } = await serve(t, (_request, reply) => { requests++; reply.writeHead(302, { location: 'http://169.254.169.254/' }).end() })
  const answer = await open(t, origin).request({ destination: 'test', url: origin })
  t.match(answer, { status: 302, headers: { location: 'http://169.254.169.254/' } })
  t.equal(requests, 1)
})

t.test('an answer that is too large, said or not, is broken off', async (t) => {
  const { origin } = await serve(t, (request, reply) => {
    if (request.url === '/said') reply.setHeader('content-length', '5000')
    for (let n = 0; n < 5; n++) reply.write('x'.repeat(1000))
    reply.end()
  })
  const door = open(t, origin)
  for (const path of ['/said', '/unsaid']) {
    await t.rejects(door.request({ destination: 'test', url: origin + path, maxBytes: 4999 }), { kind: 'upstream', code: 'answer-too-large' })
  }
  t.equal((await door.request({ destination: 'test', url: `${origin}/said`, maxBytes: 5000 })).body.length, 5000)
})

t.test('faults of the way are named without the address, and a cancelled request ends with its reason', async (t) => {
  const { origin, server } = await serve(t, (request, reply) => { if (request.url?.startsWith('/reset')) reply.socket?.destroy() })
  const door = open(t, origin)
  await t.rejects(door.request({ destination: 'test', url: `${origin}/reset?key=canary` }), { kind: 'upstream', code: 'upstream-failed' })
  const controller = new AbortController()
  const pending = door.request({ destination: 'test', url: `${origin}/silent`, signal: controller.signal })
  const refused = t.rejects(pending, { message: 'enough' })
  await once(server, 'request')
  controller.abort(new Error('enough'))
  await refused
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  const error = await door.request({ destination: 'test', url: `${origin}/gone?key=canary` }).catch((error: Error) => error)
  t.match(error, { kind: 'upstream', code: 'upstream-unreachable', message: /offline/ })
  t.notMatch((error as Error).message, 'canary')
  let asked = 0
  door.observe(() => { asked++ })
  await t.rejects(door.request({ destination: 'test', url: `${origin}/gone`, attempts: 3, urgent: true }), { code: 'upstream-unreachable' })
  t.equal(asked, 1, 'whoever waits is told at once that nobody is there')
})

t.test('a proxy of the settings is used from the next request on, with its credentials in any characters', async (t) => {
  const { origin, port } = await serve(t, (_request, reply) => { reply.end('through') })
  const asked: (string | undefined)[] = []
  const proxy = await serve(t, (_request, reply) => { reply.end('not a tunnel') })
  proxy.server.on('connect', (request, client) => {
    asked.push(request.headers['proxy-authorization'])
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => { client.destroy() })
    client.on('error', () => { upstream.destroy() })
  })
  const settings: Record<string, unknown> = {}
  const door = open(t, origin, settings)
  await door.request({ destination: 'test', url: origin })
  t.equal(asked.length, 0)
  Object.assign(settings, { proxy_enabled: true, proxy_type: 'http', proxy_host: '127.0.0.1', proxy_port: proxy.port, proxy_username: 'us:er', proxy_password: 'p@ss/ö%' })
  t.equal((await door.request({ destination: 'test', url: origin })).body.toString(), 'through')
  t.same(asked, [`Basic ${Buffer.from('us:er:p@ss/ö%').toString('base64')}`])
  settings.proxy_enabled = false
  await door.request({ destination: 'test', url: origin })
  t.equal(asked.length, 1)
})

t.test('proxy settings become an address only when they are complete', async (t) => {
  const from = (settings: Record<string, unknown>) => proxyOf({ get: <T>(key: string) => settings[key] as T })
  const complete = { proxy_enabled: true, proxy_host: 'proxy.lan', proxy_port: '3128' }
  t.equal(from({ ...complete, proxy_enabled: false }), null)
  t.equal(from({ ...complete, proxy_host: '' }), null)
  t.equal(from({ ...complete, proxy_port: '' }), null)
  t.same(from(complete), { uri: 'http://proxy.lan:3128', socks: false })
  t.same(from({ ...complete, proxy_username: 'only' }), { uri: 'http://proxy.lan:3128', socks: false })
  t.same(from({ ...complete, proxy_type: 'socks5', proxy_username: 'a', proxy_password: 'b@c' }), { uri: 'socks5://a:b%40c@proxy.lan:3128', socks: true })
  t.throws(() => from({ ...complete, proxy_type: 'socks4' }), { code: 'proxy-type' })
})

import t from 'tap'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createDoor } from '../../../services/network/door.ts'
import { createGuardedLookup, isPublicAddress, readPublicUrl } from '../../../services/network/guard.ts'

const refusedHosts = [
  '127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '0', '0.0.0.0', '0.1.2.3', '2130706433', '0x7f000001', '0x7f.1', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '0x7F.0x00.0x00.0x01',
  '127.0.0.1.', '１２７.０.０.１', '127。0。0。1', '①②⑦.0.0.1', '10.0.0.1', '10.255.255.255', '0xa000001', '012.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.1', '3232235521', '0xc0a80001',
  '169.254.169.254', '2852039166', '0xa9fea9fe', '169.254.1', '100.64.0.1', '100.127.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.9',
  '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  '[::1]', '[0:0:0:0:0:0:0:1]', '[::]', '[::127.0.0.1]', '[::7f00:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:10.0.0.1]', '[0:0:0:0:0:ffff:169.254.169.254]', '[64:ff9b::127.0.0.1]', '[64:ff9b::a00:1]', '[64:ff9b:1::1]',
  '[2002:7f00:1::]', '[2002:c0a8:1::1]', '[2001::1]', '[2001:0:4136:e378:8000:63bf:3fff:fdd2]', '[2001:db8::1]', '[2001:10::1]', '[3fff::1]', '[fc00::1]', '[fd12:3456:789a::1]', '[fe80::1]', '[febf::1]', '[fec0::1]',
  '[ff02::1]', '[ff0e::1]', '[100::1]', '[5f00::1]', '[4000::1]', '[::ffff:0:127.0.0.1]'
]
const publicHosts = ['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.255.255', '100.128.0.1', '192.167.0.1', '198.20.0.1', '223.255.255.255', '[2606:4700::1111]', '[2001:4860:4860::8888]', '[::ffff:8.8.8.8]', '[64:ff9b::808:808]', '[2002:808:808::1]', 'civitai.com']

t.test('no spelling of an address that is not public gets through', async (t) => {
  t.ok(refusedHosts.length >= 60, `${refusedHosts.length} spellings`)
  for (const host of refusedHosts) t.throws(() => readPublicUrl(`http://${host}/x.png`), { kind: 'invalid', code: 'address-refused' }, host)
  for (const host of publicHosts) t.doesNotThrow(() => readPublicUrl(`https://${host}/x.png`), host)
})

t.test('only http without credentials is fetched', async (t) => {
  for (const url of ['file:///etc/passwd', 'ftp://example.com/', 'data:image/png;base64,AAAA', 'gopher://example.com/', 'http://user@example.com/', 'http://user:pass@example.com/', 'https://:pass@example.com/', '//example.com/x', 'example.com', '', 'http://', 'javascript:alert(1)', 'blob:http://example.com/1', 'ws://example.com/', 'http://[::1', 'http://fe80::1%25eth0/']) {
    t.throws(() => readPublicUrl(url), { code: 'address-refused' }, url)
  }
})

t.test('an address that is no address is not public', async (t) => {
  for (const text of ['', 'localhost', '1.2.3', 'fe80::1%eth0', '2606:4700::1111%1', '::ffff:1.2.3.4.5']) t.notOk(isPublicAddress(text), text)
})

t.test('a name is refused when any of its addresses is not public, whatever form of answer is asked for', async (t) => {
  const answers: Record<string, string[]> = { 'rebound.example': ['127.0.0.1'], 'mixed.example': ['8.8.8.8', '10.0.0.1'], 'six.example': ['::1'], 'mapped.example': ['::ffff:192.168.1.1'], 'fine.example': ['8.8.8.8', '2606:4700::1111'], 'none.example': [] }
  const lookup = createGuardedLookup((hostname, _options, callback) => {
    const found = answers[hostname]
    if (found) callback(null, found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
    else callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), [])
  })
  const ask = (hostname: string, all: boolean) => new Promise((resolve, reject) => {
    lookup(hostname, { all }, (error, address, family) => { if (error) reject(error); else resolve(all ? address : [address, family]) })
  })
  for (const name of ['rebound.example', 'mixed.example', 'six.example', 'mapped.example', 'none.example']) {
    for (const all of [true, false]) await t.rejects(ask(name, all), { code: 'address-refused' }, name)
  }
  t.same(await ask('fine.example', false), ['8.8.8.8', 4])
  t.same(await ask('fine.example', true), [{ address: '8.8.8.8', family: 4 }, { address: '2606:4700::1111', family: 6 }])
  await t.rejects(ask('unknown.example', true), { code: 'ENOTFOUND' })
})

async function serve (t: Test, listener: RequestListener): Promise<{ origin: string, port: number, seen: string[] }> {
  const seen: string[] = []
  const server = createServer((request, reply) => { seen.push(request.url ?? ''); listener(request, reply) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port, seen }
}

function doorTo (t: Test, bases: Record<string, string>, settings: Record<string, unknown> = {}) {
  const values: Record<string, unknown> = { provider_base_urls: bases, ...settings }
  const door = createDoor({
    settings: { get: <T>(key: string) => values[key] as T },
    logger: { warn () {} },
    // As a hostile name server does it: the name is one of the public world, its address is ours.
    lookup: createGuardedLookup((_hostname, _options, callback) => { callback(null, [{ address: '127.0.0.1', family: 4 }]) })
  })
  t.teardown(() => door.close())
  return door
}

t.test('the origins of the configured providers are exempt, exactly they', async (t) => {
  const { origin, port, seen } = await serve(t, (_request, reply) => { reply.end('bytes') })
  const door = doorTo(t, { civitai: `${origin}/api/v1` })
  const answer = await door.fetchPublic(`${origin}/a.png`, { maxBytes: 100 })
  t.equal(answer.body.toString(), 'bytes')
  t.same(seen, ['/a.png'])
  for (const url of [`http://localhost:${port}/`, `http://127.0.0.2:${port}/`, `https://127.0.0.1:${port}/`, `http://[::ffff:127.0.0.1]:${port}/`, `http://u:p@127.0.0.1:${port}/`]) {
    await t.rejects(door.fetchPublic(url, { maxBytes: 100 }), { kind: 'invalid', code: 'address-refused' }, url)
  }
  t.same(seen, ['/a.png'], 'no connection was made')
})

t.test('a name that leads to this machine is refused by the connector, before anything is sent', async (t) => {
  const { port, seen } = await serve(t, (_request, reply) => { reply.end('secret') })
  const door = doorTo(t, {})
  await t.rejects(door.fetchPublic(`http://harmless.example:${port}/`, { maxBytes: 100 }), { kind: 'invalid', code: 'address-refused' })
  t.same(seen, [])
})

t.test('each redirect is judged anew, five of them are followed, and no credentials go along', async (t) => {
  const inner = await serve(t, (_request, reply) => { reply.end('secret') })
  const { origin, seen } = await serve(t, (request, reply) => {
    const url = request.url ?? ''
    const left = Number(/^\/hops\/(\d+)$/.exec(url)?.[1] ?? 0)
    const location = url === '/inner' ? `${inner.origin}/secret` : url === '/file' ? 'file:///etc/passwd' : url === '/named' ? 'http://harmless.example/' : left > 0 ? `/hops/${left - 1}` : undefined
    reply.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location, 'set-cookie': 'a=b' })
    reply.end(JSON.stringify(request.headers))
  })
  const door = doorTo(t, { civitai: origin })
  const fetch = (path: string) => door.fetchPublic(origin + path, { maxBytes: 1000 })
  for (const path of ['/inner', '/file', '/named']) await t.rejects(fetch(path), { code: 'address-refused' }, path)
  t.same(inner.seen, [], 'nothing inside was asked')
  const { body, url } = await fetch('/hops/5')
  t.equal(url, `${origin}/hops/0`)
  const headers = JSON.parse(body.toString()) as Record<string, string>
  t.same([headers.authorization, headers.cookie], [undefined, undefined])
  seen.length = 0
  await t.rejects(fetch('/hops/6'), { kind: 'upstream', code: 'too-many-redirects' })
  t.equal(seen.length, 6)
})

t.test('what is too large, not found or broken off is a failure of the other side', async (t) => {
  const { origin } = await serve(t, (request, reply) => {
    if (request.url === '/missing') { reply.statusCode = 404; return reply.end() }
    if (request.url === '/announced') { reply.setHeader('content-length', 2000); return reply.end(Buffer.alloc(2000)) }
    if (request.url === '/broken') { reply.write('x'); return setImmediate(() => reply.destroy()) }
    reply.write(Buffer.alloc(900))
    reply.end(Buffer.alloc(900))
  })
  const door = doorTo(t, { civitai: origin })
  for (const [path, code] of [['/missing', 'upstream-status'], ['/announced', 'answer-too-large'], ['/grows', 'answer-too-large'], ['/broken', 'upstream-failed']] as const) {
    await t.rejects(door.fetchPublic(origin + path, { maxBytes: 1000 }), { kind: 'upstream', code }, path)
  }
  const offline = doorTo(t, { civitai: origin }, { offline_mode: true })
  await t.rejects(offline.fetchPublic(`${origin}/`, { maxBytes: 1000 }), { kind: 'unavailable', code: 'offline-mode' })
  const aborted = AbortSignal.abort(new Error('enough'))
  await t.rejects(door.fetchPublic(`${origin}/`, { maxBytes: 1000, signal: aborted }), { message: 'enough' })
})

import t from 'tap'
import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import type { Test } from 'tap'
import WebSocket from 'ws'
import progressRoutes from '../../routes/progress/index.ts'
import healthRoutes from '../../routes/health/index.ts'
import { createHostRule, isPrivateAddress } from '../../services/security/hosts.ts'
import { judgeCaller } from '../../services/security/origins.ts'
import { buildPlatform, listen, type MinimalOptions } from './minimal-core.ts'

interface Answer { status: number, headers: IncomingHttpHeaders, text: string }

async function serve (t: Test, options: MinimalOptions = {}) {
  const effects: string[] = []
  const { app } = await buildPlatform(t, options, async (scope) => {
    scope.get('/api/lm/list', async () => { effects.push('read'); return { ok: true } })
    scope.get('/api/lm/delete-by-get', { config: { changesState: true } }, async () => { effects.push('delete'); return { ok: true } })
    scope.post('/api/lm/change', async (request) => { effects.push('change'); return { body: request.body } })
    scope.get('/loras', async (_request, reply) => reply.type('text/html').send('<p>page</p>'))
    scope.get('/', async (_request, reply) => reply.redirect('/loras'))
    await scope.register(progressRoutes)
    await scope.register(healthRoutes)
  })
  const port = await listen(app)
  const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> => new Promise((resolve, reject) => {
    const sent = httpRequest({ port, host: '127.0.0.1', method, path, headers: { host: `127.0.0.1:${port}`, ...headers } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => { resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }) })
    })
    sent.on('error', reject).end(body)
  })
  /** The status of an upgrade: 101 when it was accepted. */
  const upgrade = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
    return await new Promise((resolve) => {
      socket.on('open', () => { resolve(101); socket.terminate() })
      socket.on('unexpected-response', (_request, answer) => { resolve(answer.statusCode ?? 0); answer.resume() })
      socket.on('error', () => { resolve(0) })
    })
  }
  return { port, call, upgrade, effects }
}

const foreign = ['https://evil.example', 'null', 'http://localhost:9999', 'http://127.0.0.1.evil.example', 'file://', 'chrome-extension://a/../..']
const sockets = ['/ws/fetch-progress', '/ws/init-progress', '/ws/download-progress?id=a', '/ws/batch-import-progress', '/api/v1/events']

t.test('a name that another site points at this machine is refused, over HTTP and WebSocket', async (t) => {
  const { call, upgrade, effects, port } = await serve(t)
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.7', '[fe80::1]', 'local host']) {
    for (const [method, path] of [['GET', '/api/lm/list'], ['POST', '/api/lm/change'], ['GET', '/loras'], ['GET', '/api/lm/unknown']] as const) {
      const { status } = await call(method, path, { host })
      t.ok(status === 403 || (host === 'local host' && status === 400), `${method} ${path} with Host "${host}": ${status}`)
    }
    if (host !== 'local host') for (const path of sockets) t.equal(await upgrade(path, { host }), 403, `${path} with Host ${host}`)
  }
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', `[::1]:${port}`, '127.9.9.9']) t.equal((await call('GET', '/api/lm/list', { host })).status, 200, host)
  t.equal(effects.filter((effect) => effect === 'change').length, 0)
})

t.test('pages of other origins can neither read nor change anything', async (t) => {
  const { call, upgrade, effects } = await serve(t)
  for (const origin of foreign) {
    for (const [method, path, type] of [['GET', '/api/lm/list'], ['GET', '/api/lm/delete-by-get'], ['GET', '/loras'], ['POST', '/api/lm/change', 'text/plain'], ['POST', '/api/lm/change', 'application/json'], ['GET', '/health/live']] as const) {
      const { status, headers, text } = await call(method, path, { origin, ...(type && { 'content-type': type }) }, type && '{}')
      t.equal(status, 403, `${method} ${path} from ${origin}`)
      t.equal(headers['access-control-allow-origin'], undefined)
      if (path.startsWith('/api')) t.match(JSON.parse(text), { success: false, code: 'origin-not-allowed' })
    }
    for (const path of sockets) t.equal(await upgrade(path, { origin }), 403, `${path} from ${origin}`)
  }
  t.same(effects, [])
})

t.test('requests that a browser marks as coming from elsewhere are refused, except opening a page', async (t) => {
  const { call, effects } = await serve(t)
  const elsewhere = ['cross-site', 'same-site']
  for (const site of elsewhere) {
    const image = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
    const navigation = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    for (const headers of [image, navigation]) {
      for (const path of ['/api/lm/list', '/api/lm/delete-by-get', '/%61pi/lm/delete-by-get', '/api/v1/events', '/ws/init-progress']) {
        t.equal((await call('GET', path, headers)).status, 403, `${path} ${JSON.stringify(headers)}`)
      }
      t.equal((await call('POST', '/api/lm/change', { ...headers, 'content-type': 'text/plain' }, '{}')).status, 403)
      t.equal((await call('POST', '/loras', headers)).status, 403, 'a form')
    }
    t.equal((await call('GET', '/loras', image)).status, 403)
    t.equal((await call('GET', '/loras', { ...navigation, 'sec-fetch-dest': 'iframe' })).status, 403, 'a page in a frame')
    t.equal((await call('GET', '/loras', navigation)).status, 200, 'a link to a page')
    t.equal((await call('GET', '/', navigation)).status, 302)
  }
  t.same(effects, [])
  for (const site of ['none', 'same-origin']) t.equal((await call('GET', '/api/lm/list', { 'sec-fetch-site': site })).status, 200, `typed or our own: ${site}`)
})

t.test('our own pages, programs and extensions are served', async (t) => {
  const { call, upgrade, port } = await serve(t)
  t.equal((await call('GET', '/api/lm/list')).status, 200, 'a script')
  t.equal((await call('POST', '/api/lm/change', { 'content-type': 'application/json' }, '{"a":1}')).text, '{"body":{"a":1}}')
  t.equal(await upgrade('/ws/fetch-progress'), 101)
  const own = await call('POST', '/api/lm/change', { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' })
  t.equal(own.status, 200)
  t.equal(own.headers['access-control-allow-origin'], undefined, 'our own page needs no leave')
  for (const origin of ['chrome-extension://abcdefghijklmnop', 'moz-extension://1f0e-2b', 'safari-web-extension://A-1']) {
    const answer = await call('POST', '/api/lm/change', { origin, 'sec-fetch-site': 'cross-site' })
    t.equal(answer.status, 200, origin)
    t.equal(answer.headers['access-control-allow-origin'], origin)
    t.equal(answer.headers.vary, 'Origin')
    t.equal(await upgrade('/ws/init-progress', { origin }), 101)
  }
})

t.test('allowed origins hold in both spellings of this machine, from the moment the setting says so', async (t) => {
  const settings: Record<string, unknown> = {}
  const { call, upgrade } = await serve(t, { settings })
  const asComfy = { origin: 'http://localhost:8188', 'sec-fetch-site': 'cross-site' }
  t.equal((await call('GET', '/api/lm/list', asComfy)).status, 403)
  settings.comfyui_url = 'http://127.0.0.1:8188/some/path'
  settings.allowed_origins = ['https://tools.example', 'not an address']
  for (const origin of ['http://localhost:8188', 'http://127.0.0.1:8188', 'https://tools.example']) {
    const answer = await call('GET', '/api/lm/list', { origin, 'sec-fetch-site': 'cross-site' })
    t.equal(answer.status, 200, origin)
    t.equal(answer.headers['access-control-allow-origin'], origin)
    t.equal(await upgrade('/api/v1/events', { origin }), 101)
  }
  t.equal((await call('GET', '/api/lm/list', { origin: 'http://localhost:8187' })).status, 403, 'another port')
  const image = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
  t.equal((await call('GET', '/api/lm/list', { ...image, referer: 'http://localhost:8188/' })).status, 200, 'an image on an allowed page')
  t.equal((await call('GET', '/api/lm/list', { ...image, referer: 'https://evil.example/' })).status, 403)
  t.match((await call('GET', '/loras')).headers['content-security-policy'], /frame-ancestors 'self' .*http:\/\/localhost:8188/)
})

t.test('preflights are answered for allowed callers only', async (t) => {
  const { call, effects } = await serve(t, { settings: { allowed_origins: 'https://tools.example' } })
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const allowed = await call('OPTIONS', '/api/lm/change', { origin: 'https://tools.example', ...asked })
  t.equal(allowed.status, 204)
  t.equal(allowed.headers['access-control-allow-origin'], 'https://tools.example')
  t.match(allowed.headers['access-control-allow-methods'], /POST/)
  t.equal(allowed.headers['access-control-allow-headers'], 'content-type')
  const refused = await call('OPTIONS', '/api/lm/change', { origin: 'https://evil.example', ...asked })
  t.equal(refused.status, 403)
  t.equal(refused.headers['access-control-allow-origin'], undefined)
  t.same(effects, [])
})

t.test('HEAD of a GET that changes state does nothing', async (t) => {
  const { call, effects } = await serve(t)
  const answer = await call('HEAD', '/api/lm/delete-by-get')
  t.equal(answer.status, 405)
  t.equal(answer.headers.allow, 'GET')
  t.same(effects, [])
  t.equal((await call('HEAD', '/api/lm/list')).status, 200)
  t.equal((await call('GET', '/api/lm/delete-by-get')).status, 200)
})

t.test('answers carry the headers that keep browsers from guessing, framing and leaking', async (t) => {
  const { call } = await serve(t)
  const { headers } = await call('GET', '/loras')
  t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin', vary: 'Origin', 'cross-origin-opener-policy': 'same-origin' })
  t.match(headers['content-security-policy'], /script-src 'self';.*img-src 'self' data: blob: https:\/\/\*\.civitai\.com https:\/\/img\.genur\.art;.*connect-src 'self' ws:\/\/127\.0\.0\.1:\d+ .*frame-ancestors 'self'$/)
  t.equal((await call('GET', '/api/lm/list')).headers['x-content-type-options'], 'nosniff')
  t.equal((await call('GET', '/api/lm/list', { origin: 'null' })).headers['x-content-type-options'], 'nosniff', 'also on refusals')
})

t.test('listening beyond this machine asks for the token on every way in', async (t) => {
  let token = ''
  const { call, upgrade, effects, port } = await serve(t, { security: { host: '0.0.0.0', announceToken: (made) => { token = made } } })
  t.match(token, /^[\w-]{43}$/)
  const none = await call('GET', '/api/lm/list')
  t.equal(none.status, 401)
  t.equal(none.headers['www-authenticate'], 'Bearer')
  t.match(JSON.parse(none.text), { success: false, code: 'token-required' })
  for (const headers of [{ authorization: 'Bearer wrong' }, { authorization: `Basic ${token}` }, { cookie: 'modelshelf_token=wrong' }, { cookie: `other=${token}` }]) {
    t.equal((await call('POST', '/api/lm/change', headers as Record<string, string>)).status, 401, JSON.stringify(headers).replace(token, '…'))
  }
  t.equal((await call('GET', `/api/lm/list?token=${token}`)).status, 401, 'the query counts only where no header can be set')
  t.same(effects, [])
  t.equal((await call('GET', '/api/lm/list', { authorization: `Bearer ${token}` })).status, 200)
  t.equal((await call('GET', '/api/lm/list', { cookie: `a=b; modelshelf_token=${token}` })).status, 200)
  for (const path of sockets) {
    t.equal(await upgrade(path), 401, path)
    t.equal(await upgrade(`${path}${path.includes('?') ? '&' : '?'}token=${token}`), 101, path)
  }
  t.equal((await call('GET', '/metrics')).status, 401)
  t.equal((await call('GET', '/health/live')).status, 200)
  t.equal((await call('GET', '/api/lm/list', { authorization: `Bearer ${token}`, origin: 'https://evil.example' })).status, 403, 'the token does not open the gate for other pages')
  t.equal((await call('GET', '/api/lm/list', { host: `192.168.1.20:${port}`, authorization: `Bearer ${token}` })).status, 200, 'an address of this machine behind a translation')
  t.equal((await call('GET', '/api/lm/list', { host: 'evil.example', authorization: `Bearer ${token}` })).status, 403)
})

t.test('a person logs in with the token on a page and gets a strict cookie', async (t) => {
  let token = ''
  const { call, port } = await serve(t, { security: { host: '0.0.0.0', announceToken: (made) => { token = made } } })
  const sent = await call('GET', '/loras?a=1', { accept: 'text/html' })
  t.equal(sent.status, 303)
  t.equal(sent.headers.location, '/login?next=%2Floras%3Fa%3D1')
  const page = await call('GET', '/login?next=%22%3E%3Cscript%3E')
  t.equal(page.status, 200)
  t.notMatch(page.text, /<script>/)
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const wrong = await call('POST', '/login', type, 'token=wrong&next=%2Floras')
  t.equal(wrong.status, 401)
  t.equal(wrong.headers['set-cookie'], undefined)
  const right = await call('POST', '/login', { ...type, origin: `http://127.0.0.1:${port}` }, `token=${token}&next=%2Floras`)
  t.equal(right.status, 303)
  t.equal(right.headers.location, '/loras')
  t.match(right.headers['set-cookie']?.[0], /^modelshelf_token=.*; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/)
  for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example', '/a\r\nx: y']) {
    const led = await call('POST', '/login', type, `token=${token}&next=${encodeURIComponent(next)}`)
    t.equal(led.headers.location, '/', JSON.stringify(next))
  }
  t.equal((await call('POST', '/login', { ...type, origin: 'https://evil.example' }, `token=${token}`)).status, 403)
})

t.test('the token is made once, and only its hash is stored', async (t) => {
  const directory = t.testdir({})
  const made: string[] = []
  const build = () => buildPlatform(t, { directory, security: { host: '192.168.1.5', announceToken: (token) => { made.push(token) } } }, () => {})
  const first = await build()
  await build()
  t.equal(made.length, 1)
  const rows = first.core.state.db.prepare('SELECT * FROM access_token').all()
  t.equal(rows.length, 1)
  t.notMatch(JSON.stringify(rows), made[0])
})

t.test('without a token, a server open to all still refuses public addresses', async (t) => {
  const { app } = await buildPlatform(t, { security: { host: '0.0.0.0', insecure: true } }, (scope) => { scope.get('/api/lm/list', async () => ({})) })
  t.equal((await app.inject({ url: '/api/lm/list', remoteAddress: '192.168.1.7' })).statusCode, 200)
  t.equal((await app.inject({ url: '/api/lm/list', remoteAddress: '::ffff:10.1.1.1' })).statusCode, 200)
  t.equal((await app.inject({ url: '/api/lm/list', remoteAddress: '8.8.8.8' })).statusCode, 403)
  t.equal(isPrivateAddress('::ffff:8.8.8.8'), false)
  t.equal(createHostRule('0.0.0.0', ['box.lan:8189'])('BOX.lan'), true)
  t.equal(judgeCaller({ method: 'GET', host: 'a', api: true, origin: 'http://a.evil' }, () => []), 'foreign')
})

t.test('a request that stops halfway, or that Node can not read, is ended with our answer', async (t) => {
  const { app } = await buildPlatform(t, {}, (scope) => { scope.post('/api/lm/change', async () => ({})) })
  app.server.requestTimeout = 300
  app.server.headersTimeout = 200
  // Node looks for overdue requests every five seconds.
  const port = await listen(app)
  const talk = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => { answer += chunk.toString() })
    socket.write(text)
    await once(socket, 'close')
    return answer
  }
  t.match(await talk('POST /api/lm/change HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":'), /^HTTP\/1\.1 408 Request Timeout[^]*"success":false/)
  t.match(await talk('NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request[^]*"success":false/)
  t.match(await talk(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(70_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  const long = await talk(`GET /api/lm/unknown?q=${'x'.repeat(30_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  t.match(long, /^HTTP\/1\.1 404 /, 'long addresses are read')
})

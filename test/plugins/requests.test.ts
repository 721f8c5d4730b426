import t from 'tap'
import { Type } from '@sinclair/typebox'
import * as errors from '../../services/errors.ts'
import { writeFailure } from '../../plugins/error-handler.ts'
import { buildPlatform, type MinimalOptions } from './minimal-core.ts'
import type { Test } from 'tap'

const secret = 'canary-4711'

function build (t: Test, options: MinimalOptions = {}) {
  return buildPlatform(t, options, (app) => {
    app.get('/api/x/:id', async (request) => request.params)
    app.get('/api/query', {
      schema: { querystring: Type.Object({ one: Type.Optional(Type.String()), n: Type.Optional(Type.Integer()), tag: Type.Optional(Type.Array(Type.String())) }) }
    }, async (request) => request.query as object)
    app.post('/api/body', async (request) => ({ body: request.body }))
    app.delete('/api/body', async (request) => ({ body: request.body }))
    app.post('/api/typed', {
      schema: { body: Type.Object({ n: Type.Optional(Type.Integer()), text: Type.Optional(Type.String()) }), response: { 200: Type.Object({ body: Type.Object({}) }), 400: { $ref: 'Failure#' } } }
    }, async (request) => ({ body: request.body }))
    app.post('/api/small', { bodyLimit: 10 }, async () => ({}))
    app.get('/api/broken', async () => { throw new Error(`${secret} at /home/user/secret`) })
    app.get('/api/full', async () => { throw Object.assign(new Error(secret), { code: 'ENOSPC' }) })
    app.get('/api/status', async () => { throw Object.assign(new Error(secret), { statusCode: 416 }) })
    app.get('/page', async () => { throw new errors.NotFoundError('No such page') })
    app.get('/cold', async () => { throw new errors.ServiceNotReadyError() })
    app.get('/api/cached', async (_request, reply) => {
      reply.header('etag', '"1"').header('cache-control', 'max-age=86400')
      throw new errors.NotFoundError('gone')
    })
  })
}

t.test('every exported domain error is answered with its status, its code and its fields', async (t) => {
  const { app } = await buildPlatform(t, {}, () => {})
  const kinds = Object.keys(errors.statusOfKind) as errors.ErrorKind[]
  const classes = (Object.values(errors) as unknown[]).filter((value) => typeof value === 'function' && value.prototype instanceof errors.DomainError) as (new (message: string) => errors.DomainError)[]
  t.ok(classes.length >= 6, 'the table of errors is found')
  const thrown = [
    ...classes.map((Class) => new Class('Something for people')),
    ...kinds.map((kind) => new errors.DomainError(kind, `code-of-${kind}`, 'Something for people', { extra: 1 }))
  ]
  for (const error of thrown) {
    const sent: { status?: number, body?: Record<string, unknown> } = {}
    const reply = {
      request: { id: '1' },
      removeHeader () { return this },
      header () { return this },
      type () { return this },
      code (status: number) { sent.status = status; return this },
      send (body: string) { sent.body = JSON.parse(body); return this }
    }
    writeFailure(error, { url: '/api/x', log: app.log, routeOptions: {}, id: '1' } as never, reply as never)
    t.equal(sent.status, errors.statusOfKind[error.kind], `${error.name} ${error.code}`)
    t.match(sent.body, { ...error.fields, success: false, error: error.message, code: error.code })
  }
})

t.test('unexpected faults are a 500 that tells nothing but the id under which they are logged', async (t) => {
  const lines: string[] = []
  const { app } = await build(t, { logTo: { write (line) { lines.push(line) } } })
  const answer = await app.inject('/api/broken')
  t.equal(answer.statusCode, 500)
  const body = answer.json()
  t.match(body, { success: false, error: '500: Internal Server Error', code: 'internal-server-error' })
  t.notMatch(answer.payload, secret)
  t.ok(lines.some((line) => line.includes(secret) && line.includes(body.request_id)), 'the log has the details under the same id')

  const full = await app.inject('/api/full')
  t.equal(full.statusCode, 507)
  t.match(full.json(), { success: false, code: 'storage-full' })
  t.notMatch(full.payload, secret)
  t.match((await app.inject('/api/status')).json(), { error: '416: Requested Range Not Satisfiable' })
})

t.test('unknown paths and methods are told apart, in JSON under /api and as text elsewhere', async (t) => {
  const { app } = await build(t)
  const missing = await app.inject('/api/lm/nothing')
  t.equal(missing.statusCode, 404)
  t.match(missing.json(), { success: false, error: '404: Not Found' })
  const method = await app.inject({ method: 'PUT', url: '/api/x/1' })
  t.equal(method.statusCode, 405)
  t.equal(method.json().error, '405: Method Not Allowed')
  t.equal(method.headers.allow, 'GET, HEAD')
  t.equal((await app.inject({ method: 'POST', url: '/api/nothing', payload: 'x', headers: { 'content-type': 'text/plain' } })).statusCode, 404, 'whatever is sent to it')
  const page = await app.inject('/nothing')
  t.equal(page.statusCode, 404)
  t.equal(page.payload, '404: Not Found')
  t.match(page.headers['content-type'], /^text\/plain/)
  t.equal((await app.inject('/page')).payload, 'No such page')
  t.same((await app.inject('/cold')).json(), { success: false, error: 'Service not ready', code: 'not-ready' }, 'the literal of pages is JSON')
  const cached = await app.inject('/api/cached')
  t.equal(cached.headers.etag, undefined)
  t.equal(cached.headers['cache-control'], 'no-cache', 'a failure is not cached as the success it might have been')
})

t.test('an absent or empty body is {}, whatever type it names', async (t) => {
  const { app } = await build(t)
  for (const method of ['POST', 'DELETE'] as const) {
    for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain' }, { 'content-type': 'application/json', 'content-length': '0' }]) {
      const answer = await app.inject({ method, url: '/api/body', headers })
      t.equal(answer.statusCode, 200, `${method} ${JSON.stringify(headers)}`)
      t.same(answer.json(), { body: {} })
    }
  }
  t.same((await app.inject({ method: 'POST', url: '/api/body', headers: { 'content-type': 'application/json' }, payload: ' \n' })).json(), { body: {} })
  t.equal((await app.inject({ method: 'POST', url: '/api/typed' })).statusCode, 200, 'also where a schema describes it')
})

t.test('a body that is not a JSON object is refused', async (t) => {
  const { app } = await build(t)
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  for (const payload of ['{', '[]', 'null', '3', '"x"', '{"__proto__":{"x":1}}', '{"a":{"constructor":{"prototype":{"x":1}}}}', '{"a":1,}']) {
    const answer = await app.inject({ method: 'POST', url: '/api/body', headers, payload })
    t.equal(answer.statusCode, 400, payload)
    t.equal(answer.json().success, false)
  }
  t.equal(({} as Record<string, unknown>).x, undefined)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream']) {
    const answer = await app.inject({ method: 'POST', url: '/api/body', headers: { 'content-type': type }, payload: '{"a":1}' })
    t.equal(answer.statusCode, 415, type)
    t.equal(answer.json().error, '415: Unsupported Media Type')
  }
  const large = await app.inject({ method: 'POST', url: '/api/small', headers, payload: { text: 'more than ten bytes' } })
  t.equal(large.statusCode, 413)
  t.equal(large.json().error, '413: Request Entity Too Large')
})

t.test('bodies are never coerced and keep their unknown keys; queries are', async (t) => {
  const { app } = await build(t)
  for (const payload of [{ n: '3' }, { n: null }, { text: 5 }, { n: 1.5 }]) {
    t.equal((await app.inject({ method: 'POST', url: '/api/typed', payload })).statusCode, 400, JSON.stringify(payload))
  }
  t.same((await app.inject({ method: 'POST', url: '/api/typed', payload: { n: 3, other: { a: 1 } } })).json(), { body: { n: 3, other: { a: 1 } } }, 'nothing is dropped on the way in or out')
  t.same((await app.inject('/api/query?n=3&tag=a')).json(), { n: 3, tag: ['a'] })
  t.same((await app.inject('/api/query?tag=a&tag=b&one=x&one=y&n=1&n=2&more=z')).json(), { n: 1, one: 'x', tag: ['a', 'b'], more: 'z' }, 'the first of a repeated single value')
  t.equal((await app.inject('/api/query?n=abc')).statusCode, 400)
  t.equal((await app.inject('/api/query?n=1e99')).statusCode < 500, true)
})

t.test('odd addresses are answered in our shape', async (t) => {
  const { app } = await build(t)
  t.same((await app.inject('/api/x/a%2Fb')).json(), { id: 'a/b' }, 'an encoded slash stays inside its parameter')
  t.same((await app.inject(`/api/x/${'n'.repeat(6000)}`)).json(), { id: 'n'.repeat(6000) }, 'long parameters')
  const nul = await app.inject('/api/x/a%00b')
  t.equal(nul.statusCode, 400)
  t.equal(nul.json().success, false)
  const bad = await app.inject('/api/x/%ZZ')
  t.equal(bad.statusCode, 400)
  t.match(bad.json(), { success: false, error: '400: Bad Request' })
})

t.test('the OpenAPI document names the shared schemas and the events', async (t) => {
  const { app } = await build(t)
  const document = (await app.inject('/docs/json')).json()
  t.equal(document.openapi, '3.1.0')
  t.equal(document.info.version, '1.2.3')
  t.ok(document.components.schemas.Failure)
  t.equal(document.paths['/api/typed'].post.responses['400'].content['application/json'].schema.$ref, '#/components/schemas/Failure')
  t.ok(document['x-events']['job.progress'])
  t.ok(document['x-websockets']['/ws/init-progress'])
  t.match((await app.inject('/docs')).payload, /swagger-ui-bundle/)
  t.equal((await app.inject('/docs/swagger-ui.css')).statusCode, 200)
  t.equal((await app.inject('/docs/..%2Fpackage.json')).statusCode, 404)
})

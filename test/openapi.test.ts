import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { documentedApp, documentsOf } from '../bench/documents.ts'

const { document, routes, close } = await documentedApp()
t.teardown(close)

const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })))

t.test('every route that answers clients stands in the document', async (t) => {
  const documented = new Set(operations.map(({ name }) => name))
  for (const { method, url, schema, websocket } of routes as { method: string | string[], url: string, schema?: { hide?: boolean }, websocket?: boolean }[]) {
    if (schema?.hide === true) continue
    const path = url.split('/').map((part) => part.startsWith(':') ? `{${part.slice(1)}}` : part === '*' ? '{*}' : part).join('/')
    for (const verb of [method].flat()) {
      if (verb === 'HEAD' || verb === 'OPTIONS') continue
      if (websocket && !documented.has(`${verb} ${path}`)) t.ok(document['x-websockets'][path], `${path} stands among the sockets`)
      else t.ok(documented.has(`${verb} ${path}`), `${verb} ${path}`)
    }
  }
})

t.test('every operation has an id of its own, a tag, a summary, and says what it answers', async (t) => {
  const ids = new Map<string, string>()
  for (const { name, operation } of operations) {
    const { operationId = '', tags = [], summary = '', responses = {} } = operation
    t.match(operationId, /^[a-z][A-Za-z]+$/, name)
    t.notOk(ids.get(operationId), `${operationId} is used once`)
    ids.set(operationId, name)
    t.equal(tags.length, 1, `${name} has one tag`)
    t.match(tags[0], /^[a-z-]+$/, name)
    t.ok(summary.length > 5 && summary.length <= 250, `${name}: ${summary}`)
    t.ok(Object.keys(responses).some((status) => /^[23]/.test(status)), `${name} says what a success is`)
  }
})

t.test('operations name the failures that their input can lead to', async (t) => {
  for (const { name, path, operation } of operations) {
    if (!path.startsWith('/api/')) continue
    const failures = Object.keys(operation.responses ?? {}).filter((status) => /^[45]/.test(status))
    const parameters = (operation.parameters ?? []) as { in: string, required?: boolean }[]
    if (parameters.some((parameter) => parameter.in === 'path')) t.ok(failures.includes('404'), `${name} names 404`)
    if (operation.requestBody !== undefined || parameters.some(({ in: place, required }) => place === 'query' && required)) t.ok(failures.some((status) => status.startsWith('4')), `${name} names its refusals`)
    if (/^\/api\/lm\/(loras|checkpoints|embeddings)\//.test(path)) t.ok(failures.includes('503'), `${name} names 503`)
    for (const status of failures) t.not(operation.responses?.[status]?.description, 'Default Response', `${name} says what ${status} means`)
  }
})

t.test('the documents in docs/ are those of this program; `npm run docs` renews them', async (t) => {
  for (const [name, text] of Object.entries(documentsOf(document))) {
    const written = readFileSync(join(import.meta.dirname, '..', 'docs', name), 'utf8')
    if (written === text) continue
    const [is, should] = [written.split('\n'), text.split('\n')]
    const line = should.findIndex((words, at) => words !== is[at])
    t.fail(`docs/${name} is out of date from line ${line + 1} on; renew it with \`npm run docs\``, { found: is.slice(line, line + 5), wanted: should.slice(line, line + 5) })
  }
  t.same(Object.keys(documentsOf(document)), ['openapi.json', 'events.md', 'settings.md'])
})

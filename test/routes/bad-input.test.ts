import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import fc from 'fast-check'
import { putModel, runningApp } from '../helpers/running-app.ts'

const SLOWEST_MS = 2_000
const LANES = 8

/** Values as they stand in an address, already escaped where that is part of the case. */
const values = [
  '', '%20', 'abc', '0', '-1', '1.5', '1e3', 'NaN', 'Infinity', '0x10', '%D9%A1%D9%A2', '-9223372036854775809', '99999999999999999999999', `1${'0'.repeat(400)}`,
  'a'.repeat(10_000), '%F0%9F%98%80'.repeat(800), '%00', 'a%00b', '%ED%A0%80', '%ED%B0%80x', '%FF%FE', '%', '%zz', '%u0041', '%EF%BB%BF', '%0D%0AX-Header:%201',
  encodeURIComponent("'; DROP TABLE models; --"), encodeURIComponent("' OR '1'='1"), encodeURIComponent('NEAR("a" "b", 5) OR title:*'), '%22', '*', encodeURIComponent('"unclosed AND ('),
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', encodeURIComponent('../../../../etc/passwd'), '%2Fetc%2Fpasswd', encodeURIComponent('..\\..\\windows'), encodeURIComponent('//host/share'),
  encodeURIComponent('(a+)+$'), encodeURIComponent('[z-a'), encodeURIComponent('(?<=x)*'), encodeURIComponent('{"__proto__":{"polluted":1}}'), encodeURIComponent('[[[[[['), encodeURIComponent('["a",1,null]'), 'null', 'true', 'undefined',
  'name:sideways', 'random:%00', encodeURIComponent('random:' + '9'.repeat(300)), '%E2%80%AE%E2%80%8D', 'I%CC%87%C4%B0%C3%9F'
]
const strangeQueries = [
  '__proto__=1', '__proto__[polluted]=1', 'constructor[prototype][polluted]=1', 'toString=1&valueOf=2', '=', '&&&&', '?', '=a&=b', '%=%', 'a'.repeat(5_000), Array.from({ length: 1_500 }, (_, n) => `k${n}=1`).join('&')
]

interface Parameter { name: string, in: string }
interface Route { path: string, parameters: Parameter[] }

const { app, roots } = await runningApp(t, {
  settings: { offline_mode: true },
  prepare (roots) {
    for (let n = 0; n < 30; n++) putModel(roots.loras, `style ${n % 4}/lora ${n}`, { tags: ['anime', `tag ${n}`], civitai: { id: n + 1, modelId: n % 5 + 1, trainedWords: ['word'] } })
    putModel(roots.checkpoints, 'big')
    putModel(roots.embeddings, 'small')
  }
})
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo
const agent = new Agent({ keepAlive: true, maxSockets: LANES })
t.teardown(() => { agent.destroy() })

const { paths } = app.swagger() as unknown as { paths: Record<string, { get?: { parameters?: Parameter[] } }> }
/** A stream has no end, a scan takes the time of the disk, and a few routes of old act on GET: none of them is asked at random. */
const scans = /\/(scan|reload|auto-organize|download-model-get|delete-model-version)$/
const routes: Route[] = Object.entries(paths).flatMap(([path, { get }]) => get && path !== '/api/v1/events' && !scans.test(path) ? [{ path, parameters: get.parameters ?? [] }] : [])

interface Answer { status: number, type: string, text: string, ms: number }

function get (path: string): Promise<Answer> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    const asked = request({ agent, port, host: '127.0.0.1', path, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject).on('end', () => {
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text: Buffer.concat(chunks).toString(), ms: performance.now() - begun })
      })
    })
    asked.on('timeout', () => { asked.destroy(new Error('no answer')) }).on('error', reject).end()
  })
}

/** What is wrong with an answer; nothing is what it should be. */
async function faultOf (path: string): Promise<string | undefined> {
  const { status, type, text, ms } = await get(path).catch((error: unknown) => ({ status: 0, type: '', text: String(error), ms: 0 }))
  const told = `GET ${path.slice(0, 200)}: ${status} ${text.slice(0, 300)}`
  if (ms > SLOWEST_MS && !scans.test(path.replace(/\?.*/s, ''))) return `${told} after ${Math.round(ms)} ms`
  const json = type.startsWith('application/json') ? JSON.parse(text) as { success?: unknown, error?: unknown, code?: unknown } : undefined
  // With no other host in reach, this is what a route that needs one has to say.
  if (status < 200 || (status >= 500 && !/^offline(-mode)?$/.test(String(json?.code)))) return told
  if (status >= 400 && path.startsWith('/api/') && (json?.success !== false || typeof json.error !== 'string' || typeof json.code !== 'string')) return `${told}, which is not the form of a failure`
  return undefined
}

function addressOf ({ path, parameters }: Route, given: Readonly<Record<string, string>>): string {
  const filled = path.replaceAll(/\{([^}]+)\}/g, (_whole, name: string) => given[name] || 'x')
  const query = parameters.filter((parameter) => parameter.in === 'query' && given[parameter.name] !== undefined).map(({ name }) => `${name}=${given[name]}`)
  return query.length > 0 ? `${filled}?${query.join('&')}` : filled
}

async function faultsOf (addresses: readonly string[]): Promise<string[]> {
  const queue = [...addresses]
  const faults: string[] = []
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const fault = await faultOf(path)
      if (fault !== undefined) faults.push(fault)
    }
  }))
  return faults
}

t.test('every parameter of the LoRA routes bears every strange value, alone and repeated', async (t) => {
  const own = routes.filter(({ path }) => /^\/(api\/lm\/(loras\/|previews|trained-words|model-example-files)|api\/v1\/jobs|loras|locales)/.test(path))
  const addresses = own.flatMap((route) => route.parameters.flatMap(({ name, in: place }) => values.flatMap((value) => {
    const alone = addressOf(route, { [name]: value })
    return place === 'query' && value.length < 4 ? [alone, `${alone}&${name}=second`] : [alone]
  })))
  t.ok(addresses.length > 3_000, `${addresses.length} requests`)
  addresses.push(...values.slice(0, 20).map((value) => `/api/lm/loras/scan?full_rebuild=${value}`))
  t.same((await faultsOf(addresses)).slice(0, 10), [])
})

t.test('keys that nobody knows, lists and objects for texts change nothing', async (t) => {
  const addresses = routes.flatMap((route) => [
    ...strangeQueries.map((query) => `${addressOf(route, {})}?${query}`),
    ...route.parameters.flatMap(({ name }) => [`${name}[]=a&${name}[]=b`, `${name}[a]=b`, `${name}[__proto__][polluted]=1`].map((query) => `${addressOf(route, {})}?${query}`))
  ])
  t.same((await faultsOf(addresses)).slice(0, 10), [])
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})

t.test('nor do any of them together, on all routes', async (t) => {
  const value = fc.oneof(fc.constantFrom(...values), fc.string({ unit: 'binary', maxLength: 40 }).map(encodeURIComponent), fc.integer().map(String))
  const call = fc.constantFrom(...routes).chain((route) => fc.tuple(fc.constant(route), fc.dictionary(fc.constantFrom('x', ...route.parameters.map(({ name }) => name)), value, { maxKeys: 5 })))
  await fc.assert(fc.asyncProperty(fc.array(call, { minLength: LANES, maxLength: LANES }), async (calls) => {
    const faults = await faultsOf(calls.map(([route, given]) => addressOf(route, given)))
    if (faults.length > 0) throw new Error(faults.join('\n'))
  }), { seed: 20_250_131, numRuns: 150 })
})

t.test('after all that the library is what it was', async (t) => {
  const list = JSON.parse((await get('/api/lm/loras/list?page_size=100')).text) as { total: number, items: { file_path: string }[] }
  t.equal(list.total, 30)
  for (const { file_path: path } of list.items) t.ok(path.startsWith(roots.loras))
})

import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createBaseModels, type BaseModelsDeps } from '../../../services/base-models/base-models.ts'
import { KNOWN_BASE_MODELS } from '../../../services/models/base-model-names.ts'
import type { DoorRequest } from '../../../services/network/types.ts'

const DAY = 24 * 3600 * 1000

function setup (directory: string, answer: () => { status: number, body: string } | Error, over: Partial<BaseModelsDeps> = {}) {
  const requests: DoorRequest[] = []
  const faults: string[] = []
  const clock = { now: Date.UTC(2026, 0, 1) }
  const door: BaseModelsDeps['door'] = {
    register () {},
    destinations: () => [],
    async request (request) {
      requests.push(request)
      const given = answer()
      if (given instanceof Error) throw given
      return { status: given.status, headers: {}, body: Buffer.from(given.body) }
    }
  }
  const file = join(directory, 'modelshelf/base-models.json')
  const make = () => createBaseModels({ door, file, apiBase: 'https://api.test/v1', fetchWhenExpired: () => true, now: () => clock.now, warn: (message) => { faults.push(message) }, ...over })
  return { requests, faults, clock, file, make, service: make() }
}

const names = (...list: unknown[]) => ({ status: 200, body: JSON.stringify({ ActiveBaseModel: list, Other: 1 }) })

t.test('fetched names join the built-in ones, are kept on disk and asked for again after a week', async (t) => {
  const { service, make, requests, clock, file } = setup(t.testdir(), () => names('Brand New', 'Pony', 'Brand New', 3, '', 'x'.repeat(500)))
  const first = await service.list()
  t.match(first, { source: 'api', last_updated: '2026-01-01T00:00:00.000Z', hardcoded_count: KNOWN_BASE_MODELS.length, remote_count: 2, merged_count: KNOWN_BASE_MODELS.length + 1 })
  t.same(first.models, [...first.models].sort())
  t.equal(requests[0]?.url, 'https://api.test/v1/enums')
  t.same(requests[0]?.headers, undefined, 'no credentials')
  t.same(JSON.parse(await readFile(file, 'utf8')), { names: ['Brand New', 'Pony'], fetched_at: '2026-01-01T00:00:00.000Z' })
  t.same(await readdir(join(file, '..')), ['base-models.json'], 'no temporary file stays')
  const next = make()
  clock.now += 6 * DAY
  t.match(await next.list(), { source: 'cache', remote_count: 2 })
  t.same(await next.cacheStatus(), { has_cache: true, last_updated: '2026-01-01T00:00:00.000Z', is_expired: false, ttl_seconds: 604800, age_seconds: 6 * 24 * 3600 })
  t.equal(requests.length, 1)
  clock.now += DAY
  t.equal((await next.cacheStatus()).is_expired, true)
  t.match(await next.list(), { source: 'api' })
  t.equal(requests.length, 2)
  t.equal((await next.categories())['Other Models']?.at(-1), 'Brand New')
  t.ok(next.known().has('Brand New') && next.known().has('SD 1.5'))
})

t.test('a failed fetch keeps what an older one brought, and is not repeated for everyone who asks', async (t) => {
  let answer: { status: number, body: string } | Error = names('Kept')
  const { service, requests, faults, clock } = setup(t.testdir(), () => answer)
  await service.list()
  clock.now += 8 * DAY
  for (const broken of [new Error('offline'), { status: 500, body: '' }, { status: 200, body: 'no json' }, { status: 200, body: '[]' }, { status: 200, body: '{"BaseModel":[]}' }, { status: 200, body: '{"ActiveBaseModel":"x"}' }]) {
    answer = broken
    t.match(await service.list({ refresh: true }), { source: 'cache', last_updated: '2026-01-01T00:00:00.000Z', remote_count: 1 })
  }
  t.equal(faults.length, 6)
  const asked = requests.length
  t.match(await service.list(), { source: 'cache' })
  t.equal(requests.length, asked, 'nobody waits for a host that just failed')
  clock.now += 11 * 60 * 1000
  answer = { status: 200, body: '{"BaseModel":["Older form"]}' }
  t.match(await service.list(), { source: 'api', remote_count: 1 })
})

t.test('without any fetch the built-in names are the answer; many askers share one request', async (t) => {
  const { service, requests } = setup(t.testdir(), () => new Error('offline'))
  const all = await Promise.all([service.list({ refresh: true }), service.list({ refresh: true }), service.list()])
  for (const list of all) t.match(list, { source: 'fallback', last_updated: null, remote_count: 0 })
  t.equal(requests.length, 1)
})

t.test('a broken file of ours is no fault', async (t) => {
  const { file, make, faults } = setup(t.testdir({ modelshelf: {} }), () => new Error('offline'), { fetchWhenExpired: () => false })
  for (const text of ['{', '[]', '{"names":[1]}']) {
    await writeFile(file, text)
    t.match(await make().list(), { source: 'fallback' }, text)
  }
  t.equal(faults.length, 1, 'only unreadable text is reported')
})

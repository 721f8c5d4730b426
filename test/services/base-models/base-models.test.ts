import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createBaseModels, type BaseModelsDeps } from '../../../services/base-models/base-models.ts'
import { KNOWN_BASE_MODELS } from '../../../services/models/base-model-names.ts'

const DAY = 24 * 3600 * 1000

type Answer = Awaited<ReturnType<BaseModelsDeps['civitai']['enums']>> | Error

function setup (directory: string, answer: () => Answer, over: Partial<BaseModelsDeps> = {}) {
  const asked = { times: 0 }
  const faults: string[] = []
  const clock = { now: Date.UTC(2026, 0, 1) }
  const civitai: BaseModelsDeps['civitai'] = {
    async enums () {
      asked.times++
      const given = answer()
      if (given instanceof Error) throw given
      return given
    }
  }
  const file = join(directory, 'modelshelf/base-models.json')
  const make = () => createBaseModels({ civitai, file, fetchWhenExpired: () => true, now: () => clock.now, warn: (message) => { faults.push(message) }, ...over })
  return { asked, faults, clock, file, make, service: make() }
}

const names = (activeBaseModels: string[], baseModels: string[] = []): Answer => ({ kind: 'found', value: { activeBaseModels, baseModels, modelTypes: [] } })
const offline: Answer = { kind: 'unavailable', offline: true, message: 'offline' }

t.test('fetched names join the built-in ones, are kept on disk and asked for again after a week', async (t) => {
  const { service, make, asked, clock, file } = setup(t.testdir(), () => names(['Brand New ', 'Pony', 'Brand New', ' '], ['Not active']))
  const first = await service.list()
  t.match(first, { source: 'api', last_updated: '2026-01-01T00:00:00.000Z', hardcoded_count: KNOWN_BASE_MODELS.length, remote_count: 2, merged_count: KNOWN_BASE_MODELS.length + 1 })
  t.same(first.models, [...first.models].sort())
  t.same(JSON.parse(await readFile(file, 'utf8')), { names: ['Brand New', 'Pony'], fetched_at: '2026-01-01T00:00:00.000Z' })
  t.same(await readdir(join(file, '..')), ['base-models.json'], 'no temporary file stays')
  const next = make()
  clock.now += 6 * DAY
  t.match(await next.list(), { source: 'cache', remote_count: 2 })
  t.same(await next.cacheStatus(), { has_cache: true, last_updated: '2026-01-01T00:00:00.000Z', is_expired: false, ttl_seconds: 604800, age_seconds: 6 * 24 * 3600 })
  t.equal(asked.times, 1)
  clock.now += DAY
  t.equal((await next.cacheStatus()).is_expired, true)
  t.match(await next.list(), { source: 'api' })
  t.equal(asked.times, 2)
  t.equal((await next.categories())['Other Models']?.at(-1), 'Brand New')
  t.ok(next.known().has('Brand New') && next.known().has('SD 1.5'))
})

t.test('a failed fetch keeps what an older one brought, and is not repeated for everyone who asks', async (t) => {
  let answer = names(['Kept'])
  const { service, asked, faults, clock } = setup(t.testdir(), () => answer)
  await service.list()
  clock.now += 8 * DAY
  for (const broken of [new Error('offline'), offline, names([]), { kind: 'rate-limited', retryAfter: 5 }, { kind: 'invalid', message: 'no JSON' }] satisfies Answer[]) {
    answer = broken
    t.match(await service.list({ refresh: true }), { source: 'cache', last_updated: '2026-01-01T00:00:00.000Z', remote_count: 1 })
  }
  t.equal(faults.length, 5)
  const before = asked.times
  t.match(await service.list(), { source: 'cache' })
  t.equal(asked.times, before, 'nobody waits for a host that just failed')
  clock.now += 11 * 60 * 1000
  answer = names([], ['Older form'])
  t.match(await service.list(), { source: 'api', remote_count: 1 })
})

t.test('without any fetch the built-in names are the answer; many askers share one request', async (t) => {
  const { service, asked } = setup(t.testdir(), () => offline)
  const all = await Promise.all([service.list({ refresh: true }), service.list({ refresh: true }), service.list()])
  for (const list of all) t.match(list, { source: 'fallback', last_updated: null, remote_count: 0 })
  t.equal(asked.times, 1)
})

t.test('a broken file of ours is no fault', async (t) => {
  const { file, make, faults } = setup(t.testdir({ modelshelf: {} }), () => offline, { fetchWhenExpired: () => false })
  for (const text of ['{', '[]', '{"names":[1]}']) {
    await writeFile(file, text)
    t.match(await make().list(), { source: 'fallback' }, text)
  }
  t.equal(faults.length, 1, 'only unreadable text is reported')
})

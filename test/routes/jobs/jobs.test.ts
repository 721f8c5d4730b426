import t from 'tap'
import { once } from 'node:events'
import jobRoutes from '../../../routes/jobs/index.ts'
import healthRoutes from '../../../routes/health/index.ts'
import progressRoutes from '../../../routes/progress/index.ts'
import { buildPlatform } from '../../plugins/minimal-core.ts'
import type { Test } from 'tap'
import type { JobContext } from '../../../services/jobs/types.ts'

async function build (t: Test, opened = true) {
  const { app, core } = await buildPlatform(t, { opened }, async (scope) => {
    await scope.register(jobRoutes)
    await scope.register(healthRoutes)
    await scope.register(progressRoutes)
  })
  core.jobs.define({ kind: 'quick', title: () => 'Quick', run: async (input: unknown, { recordFailure }: JobContext) => { recordFailure('a', 'is bad'); return input } })
  core.jobs.define({ kind: 'long', title: () => 'Long', run: async (_input: unknown, { signal }: JobContext) => { await once(signal, 'abort') } })
  return { app, core }
}

t.test('jobs are listed in pages, newest first', async (t) => {
  const { app, core } = await build(t)
  for (let n = 0; n < 3; n++) await core.jobs.finished(core.jobs.start('quick', { n }).id)
  const first = (await app.inject('/api/v1/jobs?limit=2')).json()
  t.same(first.items.map(({ result }: { result: { n: number } }) => result.n), [2, 1])
  const second = (await app.inject(`/api/v1/jobs?limit=2&after=${first.next}`)).json()
  t.equal(second.items.length, 1)
  t.equal(second.next, null)
  t.equal((await app.inject('/api/v1/jobs?limit=100000')).json().items.length, 3, 'clamped, not refused')
  t.equal((await app.inject('/api/v1/jobs?limit=-1')).json().items.length, 1)
  t.equal((await app.inject('/api/v1/jobs?state=failed')).json().items.length, 0)
  for (const query of ['limit=x', 'state=unheard', 'after=%27']) {
    const refused = await app.inject(`/api/v1/jobs?${query}`)
    t.equal(refused.statusCode, 400, query)
    t.equal(refused.json().success, false)
  }
})

t.test('a job is paused, resumed, cancelled and started again; wrong states are 409, unknown ids 404', async (t) => {
  const { app, core } = await build(t)
  const { id } = core.jobs.start('long', {})
  const post = async (verb: string, of = id) => await app.inject({ method: 'POST', url: `/api/v1/jobs/${of}/${verb}`, headers: { 'content-type': 'application/json' } })
  t.match((await post('pause')).json(), { id, state: 'paused' })
  const twice = await post('pause')
  t.equal(twice.statusCode, 409)
  t.match(twice.json(), { success: false, code: 'job-state' })
  t.match((await post('resume')).json(), { state: /queued|running/ })
  t.equal((await post('cancel')).statusCode, 200)
  await core.jobs.finished(id)
  t.match((await app.inject(`/api/v1/jobs/${id}`)).json(), { state: 'cancelled', kind: 'long', error: null })
  t.equal((await post('cancel')).statusCode, 409)
  const retried = await post('retry-failed')
  t.equal(retried.statusCode, 202)
  t.match(retried.json(), { job: { kind: 'long', state: 'queued' } })
  for (const verb of ['pause', 'resume', 'cancel', 'retry-failed']) t.equal((await post(verb, 'nobody')).statusCode, 404, verb)
  t.match((await app.inject('/api/v1/jobs/nobody')).json(), { success: false, code: 'job-not-found' })
  core.jobs.cancel(retried.json().job.id)
  await core.jobs.finished(retried.json().job.id)
  t.same((await app.inject({ method: 'DELETE', url: '/api/v1/jobs' })).json(), { success: true, deleted: 2 })
})

t.test('health tells life from readiness', async (t) => {
  const ready = (await build(t)).app
  const cold = (await build(t, false)).app
  for (const app of [ready, cold]) {
    t.same((await app.inject('/api/lm/health-check')).json(), { status: 'ok' })
    t.equal((await app.inject('/health/live')).statusCode, 200)
  }
  t.equal((await ready.inject('/health/ready')).statusCode, 200)
  const answer = await cold.inject('/health/ready')
  t.equal(answer.statusCode, 503)
  t.same(answer.json(), { status: 'starting', opened: { loras: false, checkpoints: false, embeddings: false } })
})

t.test('the figures name requests by route, models, jobs and readers', async (t) => {
  const { app, core } = await build(t)
  await core.jobs.finished(core.jobs.start('quick', {}).id)
  await app.inject('/api/v1/jobs/some-id')
  await app.inject('/nowhere/canary')
  core.hub.attach('fetch', { send () {}, bufferedAmount: 0 })
  await app.inject('/metrics')
  const answer = await app.inject('/metrics')
  t.match(answer.headers['content-type'], /^text\/plain/)
  for (const line of [
    'http_request_duration_seconds_count{method="GET",route="/api/v1/jobs/:id",status="404"} 1',
    'http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1',
    'modelshelf_models{type="loras"} 3', 'modelshelf_jobs{state="succeeded"} 1', 'modelshelf_feed_clients{channel="fetch"} 1', 'nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes'
  ]) t.match(answer.payload, line)
  t.notMatch(answer.payload, 'canary')
})

t.test('every route of the platform has its operation, its answer and its failures in the document', async (t) => {
  const { app } = await build(t)
  const { paths, components } = (await app.inject('/docs/json')).json()
  t.ok(paths['/health/live'])
  t.ok(paths['/api/v1/events'])
  t.ok(components.schemas.Job)
  t.equal(paths['/api/v1/jobs/{id}'].get.responses['200'].content['application/json'].schema.$ref, '#/components/schemas/Job')
  const operations = Object.values(paths as Record<string, Record<string, { operationId?: string, summary?: string, tags?: string[], responses: object }>>).flatMap((path) => Object.values(path))
  t.ok(operations.length >= 10)
  for (const { operationId, summary, tags, responses } of operations) {
    t.ok(operationId && summary && tags?.length, String(operationId))
    t.ok(Object.keys(responses).some((status) => status.startsWith('2')))
  }
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
})

import t from 'tap'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { createStateDatabase } from '../../../services/database/state.ts'
import { ConflictError, NotFoundError } from '../../../services/errors.ts'
import { createJobSystem } from '../../../services/jobs/system.ts'
import { createWorkRate } from '../../../services/jobs/work-rate.ts'
import type { JobContext, JobDefinition } from '../../../services/jobs/types.ts'

const silent = { error () {}, warn () {}, info () {}, debug () {} }

function create (t: Test, directory = t.testdir({})) {
  const events: { type: string, data: Record<string, unknown> }[] = []
  const logged: string[] = []
  const state = createStateDatabase(directory, silent)
  const jobs = createJobSystem({ state, hub: { publish: (type, data) => { events.push({ type, data: data as Record<string, unknown> }) } }, logger: { error () { logged.push('error') }, warn () { logged.push('warn') } } })
  const end = async (): Promise<void> => {
    await jobs.close()
    if (state.db.open) state.close()
  }
  t.teardown(end)
  return { jobs, events, logged, directory, end, state }
}

async function until (condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain')
    await delay(2)
  }
}

/** Long enough for anything that is due to happen. */
async function someTurns (): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await delay(0)
}

/** A job that waits until its signal is aborted. */
const endless = (extra: Partial<JobDefinition<unknown>> = {}): JobDefinition<unknown> => ({
  kind: 'endless',
  title: () => 'Endless',
  run: async (_input, { signal }) => {
    if (!signal.aborted) await once(signal, 'abort')
    signal.throwIfAborted()
  },
  ...extra
})

const counting: JobDefinition<{ to: number }, { counted: number }> = {
  kind: 'count',
  title: ({ to }) => `Count to ${to}`,
  async run ({ to }, { report, checkpoint, recordFailure }) {
    for (let done = 1; done <= to; done++) {
      await checkpoint()
      report({ done, total: to, unit: 'numbers' })
      if (done === 2) recordFailure('two', new NotFoundError('Two is missing'))
    }
    return { counted: to }
  }
}

t.test('a job runs after its start was answered, and its result and failures are kept', async (t) => {
  const { jobs, events, directory, end } = create(t)
  jobs.define(counting)
  const started = jobs.start('count', { to: 3 })
  t.match(started, { kind: 'count', title: 'Count to 3', state: 'queued', started_at: null, result: null })
  const job = await jobs.finished(started.id)
  t.match(job, { state: 'succeeded', result: { counted: 3 }, progress: { done: 3, total: 3, unit: 'numbers', eta_seconds: null }, failures: [{ item: 'two', error: 'Two is missing' }] })
  t.match(job.finished_at, /^\d{4}-.*Z$/)
  t.equal(events[0]?.type, 'job.created')
  t.match(events.at(-1), { type: 'job.finished', data: { id: job.id, state: 'succeeded' } })
  await end()
  const again = create(t, directory)
  t.same(again.jobs.get(job.id), job, 'also after a restart')
  t.same(await again.jobs.finished(job.id), job)
})

t.test('a job that throws has failed, without telling secrets of the fault', async (t) => {
  const { jobs, logged } = create(t)
  jobs.define({ kind: 'broken', title: () => 'Broken', run: async () => { throw new Error('canary /home/user') } })
  jobs.define({ kind: 'sync', title: () => 'Throws at once', run: () => { throw new ConflictError('Told to people', 'told') } })
  t.match((await jobs.finished(jobs.start('broken', {}).id)), { state: 'failed', error: { code: 'internal-error', message: /^An unexpected failure/ } })
  t.match((await jobs.finished(jobs.start('sync', {}).id)), { state: 'failed', error: { code: 'told', message: 'Told to people' } })
  t.same(logged, ['error', 'warn'], 'only a fault of ours is an error of the log')
  t.throws(() => jobs.start('unknown', {}), { code: 'job-kind-unknown' })
})

t.test('a paused job waits at its next checkpoint and goes on when it is resumed', async (t) => {
  const { jobs } = create(t)
  const seen: number[] = []
  jobs.define({
    kind: 'steps',
    title: () => 'Steps',
    async run (_input: unknown, { checkpoint }: JobContext) {
      for (let n = 1; n <= 1000; n++) {
        await checkpoint()
        seen.push(n)
        await delay(0)
      }
    }
  })
  const { id } = jobs.start('steps', {})
  await until(() => seen.length > 3)
  t.equal(jobs.pause(id).state, 'paused')
  await someTurns()
  const reached = seen.length
  await someTurns()
  t.equal(seen.length, reached)
  t.throws(() => jobs.pause(id), { code: 'job-state' })
  t.equal(jobs.resume(id).state, 'running')
  await until(() => seen.length > reached)
  t.throws(() => jobs.resume(id), { code: 'job-state' })
  jobs.pause(id)
  jobs.cancel(id)
  t.equal((await jobs.finished(id)).state, 'cancelled', 'a paused job can be cancelled')
})

t.test('cancelling ends a job within a second, even one that does not listen', async (t) => {
  const { jobs } = create(t)
  let finish = (): void => {}
  jobs.define(endless())
  jobs.define({ kind: 'deaf', title: () => 'Deaf', run: () => new Promise<void>((resolve) => { finish = resolve }), exclusiveKey: () => 'deaf' })
  const listening = jobs.start('endless', {})
  const deaf = jobs.start('deaf', {})
  await until(() => jobs.get(deaf.id)?.state === 'running')
  const begun = performance.now()
  jobs.cancel(listening.id)
  jobs.cancel(deaf.id)
  t.match(await jobs.finished(listening.id), { state: 'cancelled', error: null })
  t.ok(performance.now() - begun < 500)
  t.equal((await jobs.finished(deaf.id)).state, 'cancelled')
  t.ok(performance.now() - begun < 1500)
  const next = jobs.start('deaf', {})
  t.not(next.id, deaf.id)
  await someTurns()
  t.equal(jobs.get(next.id)?.state, 'queued', 'the next one waits until the work of the former has really ended')
  finish()
  await until(() => jobs.get(next.id)?.state === 'running')
  t.throws(() => jobs.cancel(deaf.id), { code: 'job-state' })
  t.throws(() => jobs.cancel('nobody'), { code: 'job-not-found' })
  finish()
  t.equal((await jobs.finished(next.id)).state, 'succeeded')
})

t.test('a job that is cancelled before it began never runs', async (t) => {
  const { jobs } = create(t)
  let ran = false
  jobs.define({ kind: 'k', title: () => 'K', run: async () => { ran = true } })
  const { id } = jobs.start('k', {})
  t.equal(jobs.cancel(id).state, 'cancelled')
  await someTurns()
  t.equal(ran, false)
})

t.test('a second start under the same key attaches to the running job', async (t) => {
  const { jobs } = create(t)
  jobs.define(endless({ exclusiveKey: (input) => `key-${(input as { root: string }).root}` }))
  const one = jobs.start('endless', { root: 'a' })
  t.equal(jobs.start('endless', { root: 'a' }).id, one.id)
  t.not(jobs.start('endless', { root: 'b' }).id, one.id)
  await until(() => jobs.get(one.id)?.state === 'running')
  jobs.cancel(one.id)
  const next = jobs.start('endless', { root: 'a' })
  t.not(next.id, one.id, 'one that is being cancelled takes nobody in')
  await jobs.finished(one.id)
  await until(() => jobs.get(next.id)?.state === 'running')
})

t.test('after a restart resumable jobs go on, the others are marked as interrupted', async (t) => {
  const first = create(t)
  const define = (jobs: typeof first.jobs, ran: unknown[]): void => {
    jobs.define(endless({ kind: 'resumable', resumable: true, run: async (input, { signal }) => { ran.push(input); await once(signal, 'abort'); signal.throwIfAborted() } }))
    jobs.define(endless({ kind: 'once' }))
  }
  const before: unknown[] = []
  define(first.jobs, before)
  const resumable = first.jobs.start('resumable', { file: 1 })
  const other = first.jobs.start('once', {})
  const paused = first.jobs.start('resumable', { file: 2 })
  await until(() => before.length === 2)
  first.jobs.pause(paused.id)
  const waiting = first.jobs.finished(resumable.id)
  const begun = performance.now()
  await Promise.all([t.rejects(waiting, { code: 'shutting-down' }), first.end()])
  t.ok(performance.now() - begun < 1000)

  const second = create(t, first.directory)
  const after: unknown[] = []
  define(second.jobs, after)
  second.jobs.recover()
  t.match(second.jobs.get(other.id), { state: 'failed', error: { code: 'interrupted' } })
  t.equal(second.jobs.get(paused.id)?.state, 'paused', 'a paused job stays paused')
  await until(() => after.length === 1)
  t.same(after, [{ file: 1 }])
  t.equal(second.jobs.get(resumable.id)?.state, 'running')
  second.jobs.resume(paused.id)
  await until(() => after.length === 2)
})

t.test('retrying starts the failed items where the job knows how, else all of it', async (t) => {
  const { jobs } = create(t)
  const inputs: unknown[] = []
  const run = async (input: string[], { recordFailure }: JobContext): Promise<void> => {
    inputs.push(input)
    for (const item of input) if (item.startsWith('bad')) recordFailure(item, 'is bad')
  }
  jobs.define({ kind: 'knows', title: () => 'K', run, retryInput: (_input: string[], failures) => failures.map(({ item }) => item) })
  jobs.define({ kind: 'all', title: () => 'A', run })
  for (const kind of ['knows', 'all']) {
    const job = await jobs.finished(jobs.start(kind, ['good', 'bad-1']).id)
    const retry = jobs.retryFailed(job.id)
    t.not(retry.id, job.id)
    await jobs.finished(retry.id)
  }
  t.same(inputs, [['good', 'bad-1'], ['bad-1'], ['good', 'bad-1'], ['good', 'bad-1']])
  const fine = await jobs.finished(jobs.start('all', ['good']).id)
  t.throws(() => jobs.retryFailed(fine.id), { code: 'job-state' })
  t.throws(() => jobs.retryFailed('nobody'), { code: 'job-not-found' })
})

t.test('the list is newest first, in pages and by state, until it is pruned', async (t) => {
  const { jobs } = create(t)
  jobs.define(counting)
  jobs.define(endless())
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.unshift((await jobs.finished(jobs.start('count', { to: 1 }).id)).id)
  const running = jobs.start('endless', {})
  const first = jobs.list({ limit: 4 })
  t.same(first.items.map(({ id }) => id), [running.id, ...ids.slice(0, 3)])
  const second = jobs.list({ limit: 4, after: first.next ?? '' })
  t.same(second.items.map(({ id }) => id), ids.slice(3))
  t.equal(second.next, null)
  await until(() => jobs.get(running.id)?.state === 'running')
  t.same(jobs.list({ limit: 10, state: 'running' }).items.map(({ id }) => id), [running.id])
  t.throws(() => jobs.list({ limit: 4, after: "1' OR 1" }), { code: 'invalid-input' })
  t.match(jobs.counts(), { running: 1, succeeded: 5, failed: 0 })
  t.equal(jobs.prune(), 5)
  t.same(jobs.list({ limit: 10 }).items.map(({ id }) => id), [running.id])
})

t.test('progress is written at most once a second, failures are kept up to a thousand', async (t) => {
  const { jobs, state } = create(t)
  jobs.define({
    kind: 'busy',
    title: () => 'Busy',
    async run (_input: unknown, { report, recordFailure, signal }: JobContext) {
      for (let done = 0; done <= 3000; done++) {
        report({ done })
        recordFailure(`item ${done}`, Object.assign(new Error('open /secret'), { code: 'EACCES', syscall: 'open' }))
      }
      await once(signal, 'abort')
    }
  })
  const { id } = jobs.start('busy', {})
  await until(() => jobs.get(id)?.progress.done === 3000)
  const stored = JSON.parse(String(state.db.prepare('SELECT progress FROM jobs WHERE id = ?').pluck().get(id)))
  t.equal(stored.done, 0, 'three thousand reports in an instant are no writes')
  t.equal(jobs.get(id)?.failures.length, 1000)
  t.notMatch(jobs.get(id)?.failures[0]?.error, 'secret')
})

t.test('the rate looks back ten seconds and needs two samples', async (t) => {
  const rate = createWorkRate()
  rate.sample(0, 0)
  t.equal(rate.perSecond(), null)
  rate.sample(1000, 10)
  t.equal(rate.perSecond(), 10)
  for (let second = 2; second <= 30; second++) rate.sample(second * 1000, 10 + (second - 1) * 100)
  t.equal(rate.perSecond(), 100, 'the slow beginning is forgotten')
  rate.reset()
  t.equal(rate.perSecond(), null)
  rate.sample(50_000, 10)
  rate.sample(51_000, 5)
  t.equal(rate.perSecond(), null, 'going back is a new beginning')
})

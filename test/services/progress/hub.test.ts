import t from 'tap'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { createProgressHub } from '../../../services/progress/hub.ts'
import type { FrameSink } from '../../../services/progress/types.ts'

const MIB = 1024 * 1024

interface Reader extends FrameSink { texts: string[], frames: () => Record<string, unknown>[], queued: number, closed: boolean, positions: (string | undefined)[] }

function reader (queued = 0): Reader {
  const texts: string[] = []
  const positions: (string | undefined)[] = []
  return {
    texts,
    positions,
    queued,
    closed: false,
    frames: () => texts.map((text) => JSON.parse(text)),
    send (text, position) { texts.push(text); positions.push(position) },
    get bufferedAmount () { return this.queued },
    close () { this.closed = true }
  }
}

async function until (condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain')
    await delay(5)
  }
}

function create (t: Test, clock?: { now (): number }) {
  const hub = createProgressHub(clock && { clock })
  t.teardown(() => { hub.close() })
  return hub
}

const facets = (type: string) => ({ model_type: type })

t.test('feed frames are numbered within one run and dated', async (t) => {
  const hub = create(t, { now: () => Date.UTC(2031, 0, 2) })
  const one = reader()
  const leave = hub.subscribe(one)
  hub.publish('facets.changed', facets('lora'), { operation: 'op-1' })
  hub.publish('facets.changed', facets('checkpoint'))
  t.same(one.frames(), [
    { seq: 1, epoch: hub.epoch, time: '2031-01-02T00:00:00.000Z', type: 'facets.changed', operation: 'op-1', data: { model_type: 'lora' } },
    { seq: 2, epoch: hub.epoch, time: '2031-01-02T00:00:00.000Z', type: 'facets.changed', data: { model_type: 'checkpoint' } }
  ])
  t.same(one.positions, [`${hub.epoch}:1`, `${hub.epoch}:2`])
  leave()
  hub.publish('facets.changed', facets('lora'))
  t.equal(one.texts.length, 2)
  t.equal(hub.clients.feed, 0)
})

t.test('a reader resumes where it was, or is told to start over', async (t) => {
  const hub = create(t)
  for (let n = 0; n < 10_005; n++) hub.publish('facets.changed', facets(String(n)))
  const seqs = (after?: string): unknown[] => {
    const one = reader()
    hub.subscribe(one, after)()
    return one.frames().map((frame) => frame.seq ?? frame.type)
  }
  t.same(seqs(), [])
  t.same(seqs(`${hub.epoch}:10003`), [10004, 10005])
  t.same(seqs(`${hub.epoch}:10005`), [], 'nothing missed')
  const all = seqs(`${hub.epoch}:5`)
  t.equal(all.length, 10_000, 'the oldest frame that is kept')
  t.equal(all[0], 6)
  for (const after of [`${hub.epoch}:4`, `${hub.epoch}:10006`, 'other:3', '', `${hub.epoch}:-1`, `${hub.epoch}:x`]) t.same(seqs(after), ['resync'], after)
  const late = reader()
  hub.subscribe(late, 'other:1')
  hub.publish('facets.changed', facets('x'))
  t.same(late.frames().map((frame) => frame.seq ?? frame.type), ['resync', 10006], 'live frames follow a resync')
})

t.test('a slow reader of the feed is passed over, catches up in order, and is given up at 16 MB', async (t) => {
  const hub = create(t)
  const slow = reader(2 * MIB)
  const quick = reader()
  hub.subscribe(slow)
  hub.subscribe(quick)
  for (let n = 0; n < 3; n++) hub.publish('facets.changed', facets(String(n)))
  t.equal(slow.texts.length, 0)
  t.equal(quick.texts.length, 3)
  slow.queued = 0
  await until(() => slow.texts.length === 3)
  t.same(slow.frames().map(({ seq }) => seq), [1, 2, 3])
  slow.queued = 17 * MIB
  hub.publish('facets.changed', facets('x'))
  t.equal(slow.closed, true)
  t.equal(hub.clients.feed, 1)
})

t.test('a reader whose socket breaks does not stop the others', async (t) => {
  const hub = create(t)
  const broken = { ...reader(), send () { throw new Error('closed') } }
  const good = reader()
  hub.subscribe(broken)
  hub.attach('fetch', broken)
  hub.subscribe(good)
  hub.attach('fetch', good)
  hub.publish('facets.changed', facets('x'))
  hub.broadcast('fetch', { type: 'models_changed' })
  t.equal(good.texts.length, 2)
  t.same(hub.clients, { feed: 1, fetch: 1, init: 0, download: 0 })
})

t.test('progress of one job comes at most ten times a second, the last one always and before the end', async (t) => {
  const hub = create(t)
  const one = reader()
  hub.subscribe(one)
  const progress = (id: string, done: number): void => { hub.publish('job.progress', { id, kind: 'k', state: 'running', progress: { done } }) }
  for (let n = 1; n <= 500; n++) progress('a', n)
  progress('b', 1)
  const dones = (): unknown[] => one.frames().map(({ type, data }) => [type, (data as { id: string }).id, (data as { progress?: { done: number } }).progress?.done])
  t.same(dones(), [['job.progress', 'a', 1], ['job.progress', 'b', 1]], 'the first of each job at once')
  await until(() => one.texts.length === 3)
  t.same(dones()[2], ['job.progress', 'a', 500])
  progress('a', 501)
  hub.publish('job.finished', { id: 'a', kind: 'k', state: 'succeeded' })
  t.same(dones().slice(3), [['job.progress', 'a', 501], ['job.finished', 'a', undefined]])
  t.same(one.frames().map(({ seq }) => seq), [1, 2, 3, 4, 5], 'numbers have no gaps')
})

t.test('frames of a channel are coalesced per key; one that is not goes after what waits', async (t) => {
  const hub = create(t)
  const one = reader()
  hub.attach('fetch', one)
  const frame = (processed: number, status = 'processing') => ({ type: 'auto_organize_progress', status, processed })
  for (let n = 1; n <= 50; n++) hub.broadcast('fetch', frame(n), { key: 'organize', coalesce: true })
  t.same(hub.snapshot('fetch', 'organize'), frame(50), 'polling sees the newest at once')
  hub.broadcast('fetch', frame(50, 'completed'), { key: 'organize' })
  t.same(one.frames(), [frame(1), frame(50), frame(50, 'completed')])
  const later = reader()
  hub.attach('init', later)
  for (const progress of [1, 2]) hub.broadcast('init', { pageType: 'loras', progress }, { coalesce: true })
  await until(() => later.texts.length === 2)
  t.equal(one.texts.length, 3, 'nothing comes after the end, an interval later')
})

t.test('a new socket sees running jobs of the general channel, never the end of an earlier one', async (t) => {
  const hub = create(t)
  hub.broadcast('fetch', { type: 'auto_organize_progress', status: 'processing', processed: 3 }, { key: 'organize' })
  hub.broadcast('fetch', { type: 'example_images_progress', status: 'completed' }, { key: 'examples' })
  hub.broadcast('fetch', { status: 'processing' }, { key: 'untyped' })
  hub.broadcast('fetch', { type: 'models_changed' })
  const one = reader()
  hub.attach('fetch', one)
  t.same(one.frames(), [{ type: 'auto_organize_progress', status: 'processing', processed: 3 }])
  hub.forgetSnapshot('fetch', 'organize')
  t.equal(hub.snapshot('fetch', 'organize'), undefined)
})

t.test('the init channel replays the last frame of every page', async (t) => {
  const hub = create(t)
  for (const progress of [10, 90]) {
    hub.broadcast('init', { stage: 'scan_folders', progress, scanner_type: 'lora', pageType: 'loras' })
    hub.broadcast('init', { stage: 'scan_folders', progress, scanner_type: 'checkpoint', pageType: 'checkpoints' })
  }
  const one = reader()
  hub.attach('init', one)
  t.same(one.frames().map(({ pageType, progress }) => [pageType, progress]), [['loras', 90], ['checkpoints', 90]])
})

t.test('download frames reach every socket of their id, and only those', async (t) => {
  let time = 0
  const hub = create(t, { now: () => time })
  const [first, second, other] = [reader(), reader(), reader()]
  const leave = hub.attach('download', first, 'a')
  hub.attach('download', second, 'a')
  hub.attach('download', other, 'b')
  const frame = { status: 'progress', progress: 5, download_id: 'a' }
  hub.broadcast('download', frame)
  leave()
  hub.broadcast('download', { ...frame, progress: 6 })
  t.equal(first.texts.length, 1)
  t.equal(second.texts.length, 2, 'the other one stays when one closes')
  t.equal(other.texts.length, 0)
  const late = reader()
  hub.attach('download', late, 'a')
  t.same(late.frames(), [{ ...frame, progress: 6 }])
  hub.broadcast('download', { ...frame, status: 'completed', progress: 100 })
  time = 23 * 3600_000
  t.match(hub.snapshot('download', 'a'), { status: 'completed' })
  time = 25 * 3600_000
  t.equal(hub.snapshot('download', 'a'), undefined, 'ends are kept for a day')
  hub.broadcast('download', { ...frame, download_id: 'c' })
  time = 90 * 3600_000
  t.match(hub.snapshot('download', 'c'), { progress: 5 }, 'what goes on is kept until it is replaced')
})

t.test('a slow socket of a channel gets only the newest frame per key', async (t) => {
  const hub = create(t)
  const slow = reader(2 * MIB)
  hub.attach('init', slow)
  for (let progress = 0; progress <= 50; progress++) hub.broadcast('init', { pageType: 'loras', progress })
  hub.broadcast('init', { pageType: 'embeddings', progress: 1 })
  t.equal(slow.texts.length, 0)
  slow.queued = 0
  await until(() => slow.texts.length === 2)
  t.same(slow.frames(), [{ pageType: 'loras', progress: 50 }, { pageType: 'embeddings', progress: 1 }])
  slow.queued = 17 * MIB
  hub.broadcast('init', { pageType: 'loras', progress: 51 })
  t.equal(slow.closed, true)
})

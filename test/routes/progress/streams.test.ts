import t from 'tap'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import WebSocket from 'ws'
import progressRoutes from '../../../routes/progress/index.ts'
import { buildPlatform, listen } from '../../plugins/minimal-core.ts'

type Frame = Record<string, unknown>

async function serve (t: Test) {
  const { app, core } = await buildPlatform(t, {}, async (scope) => { await scope.register(progressRoutes) })
  const port = await listen(app)
  return { app, core, port, hub: core.hub }
}

async function until (condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain')
    await delay(5)
  }
}

/** A connected socket and the frames it has got. */
async function open (t: Test, port: number, path: string): Promise<{ socket: WebSocket, frames: Frame[] }> {
  const frames: Frame[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  socket.on('message', (data) => { frames.push(JSON.parse(String(data))) })
  t.teardown(() => { socket.terminate() })
  await once(socket, 'open')
  return { socket, frames }
}

async function stream (t: Test, port: number, path: string, headers: Record<string, string> = {}): Promise<{ answer: IncomingMessage, text: () => string }> {
  let text = ''
  const request = get({ port, host: '127.0.0.1', path, headers: { accept: 'text/event-stream', ...headers } })
  t.teardown(() => { request.destroy() })
  request.on('error', () => { text += '<broken>' })
  const [answer] = await once(request, 'response') as [IncomingMessage]
  answer.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  return { answer, text: () => text }
}

t.test('the general channel is one under both of its names, ignores what clients say, and follows one import where its id is given', async (t) => {
  const { port, hub } = await serve(t)
  const [one, two] = await Promise.all([open(t, port, '/ws/fetch-progress'), open(t, port, '/ws/batch-import-progress')])
  const chosen = await open(t, port, '/ws/batch-import-progress?id=x')
  one.socket.send('{"type":"models_changed"}')
  one.socket.send('garbage')
  await until(() => hub.clients.fetch === 3)
  hub.broadcast('fetch', { type: 'models_changed' })
  await until(() => one.frames.length > 0 && two.frames.length > 0)
  t.same([one.frames, two.frames], [[{ type: 'models_changed' }], [{ type: 'models_changed' }]])
  for (const id of ['other', 'x']) hub.broadcast('fetch', { type: 'batch_import_progress', operation_id: id })
  await until(() => chosen.frames.length > 0 && one.frames.length === 3)
  t.same(chosen.frames, [{ type: 'batch_import_progress', operation_id: 'x' }])
  one.socket.close()
  await until(() => hub.clients.fetch === 2)
})

t.test('a download socket names its id first, then replays and follows that download', async (t) => {
  const { port, hub } = await serve(t)
  hub.broadcast('download', { status: 'progress', progress: 40, download_id: 'a' })
  const [one, two, anonymous] = await Promise.all([open(t, port, '/ws/download-progress?id=a'), open(t, port, '/ws/download-progress?id=a&id=b'), open(t, port, '/ws/download-progress')])
  await until(() => one.frames.length === 2 && two.frames.length === 2 && anonymous.frames.length === 1)
  t.same(one.frames, [{ type: 'download_id', download_id: 'a' }, { status: 'progress', progress: 40, download_id: 'a' }])
  t.match(anonymous.frames[0]?.download_id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  one.socket.close()
  await until(() => hub.clients.download === 2)
  hub.broadcast('download', { status: 'completed', progress: 100, download_id: 'a' })
  await until(() => two.frames.length === 3)
  t.equal(anonymous.frames.length, 1)
})

t.test('a socket for scans first gets the last frame of every page', async (t) => {
  const { port, hub } = await serve(t)
  hub.broadcast('init', { stage: 'finalizing', progress: 100, status: 'complete', pageType: 'loras' })
  const { frames } = await open(t, port, '/ws/init-progress')
  await until(() => frames.length === 1)
  t.match(frames[0], { pageType: 'loras', status: 'complete' })
})

t.test('the feed resumes over WebSocket', async (t) => {
  const { port, hub } = await serve(t)
  for (const type of ['lora', 'checkpoint', 'embedding']) hub.publish('facets.changed', { model_type: type })
  const resumed = await open(t, port, `/api/v1/events?after=${hub.epoch}:1`)
  await until(() => resumed.frames.length === 2)
  t.same(resumed.frames.map(({ seq }) => seq), [2, 3])
  const foreign = await open(t, port, '/api/v1/events?after=elsewhere:1')
  await until(() => foreign.frames.length === 1)
  t.same(foreign.frames, [{ type: 'resync' }])
})

t.test('the same feed is a stream of server-sent events, whose ids resume it', async (t) => {
  const { port, hub } = await serve(t)
  hub.publish('facets.changed', { model_type: 'lora' })
  const live = await stream(t, port, '/api/v1/events')
  t.equal(live.answer.statusCode, 200)
  t.match(live.answer.headers, { 'content-type': /^text\/event-stream/, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  await until(() => hub.clients.feed === 1)
  hub.publish('facets.changed', { model_type: 'checkpoint' })
  await until(() => live.text().includes('checkpoint'))
  t.match(live.text(), new RegExp(`id: ${hub.epoch}:2\ndata: \\{"seq":2,.*\\}\n\n$`))
  t.notMatch(live.text(), /"seq":1/)
  const resumed = await stream(t, port, '/api/v1/events', { 'last-event-id': `${hub.epoch}:0` })
  await until(() => resumed.text().includes('"seq":2'))
  t.match(resumed.text(), /"seq":1[^]*"seq":2/)
  resumed.answer.destroy()
  await until(() => hub.clients.feed === 1)
})

t.test('closing the server says 1001 to sockets and ends streams', async (t) => {
  const { app, port } = await serve(t)
  const { socket } = await open(t, port, '/ws/fetch-progress')
  const live = await stream(t, port, '/api/v1/events')
  const begun = performance.now()
  const closed = once(socket, 'close')
  const ended = once(live.answer, 'end')
  await app.close()
  t.equal((await closed)[0], 1001)
  await ended
  t.notMatch(live.text(), '<broken>')
  t.ok(performance.now() - begun < 2000)
})

t.test('a message over 64 KB closes the socket with 1009', async (t) => {
  const { port, hub } = await serve(t)
  const { socket } = await open(t, port, '/ws/fetch-progress')
  const other = await open(t, port, '/ws/fetch-progress')
  socket.send('x'.repeat(65 * 1024))
  t.equal((await once(socket, 'close'))[0], 1009)
  await until(() => hub.clients.fetch === 1)
  hub.broadcast('fetch', { type: 'models_changed' })
  await until(() => other.frames.length === 1)
  t.same(other.frames, [{ type: 'models_changed' }])
})

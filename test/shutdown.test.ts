import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createCacheShelf } from '../services/models/cache-shelf.ts'
import { createModelStore } from '../services/models/store.ts'
import { makeLibrary } from '../bench/library.ts'
import { indexedModel } from './helpers/model-app.ts'
import { silent } from './helpers/scan-bench.ts'
import { serverOn, type LogLine, type ServerProcess } from './helpers/server-process.ts'

const GRACE = 5_000
const WITHIN = 60_000

/** Sends the signal, and answers the exit code once the process has ended, with the time that took. */
async function end ({ child, ended }: ServerProcess, signal: NodeJS.Signals): Promise<{ code: number | null, ms: number }> {
  const begun = performance.now()
  child.kill(signal)
  return { code: await ended, ms: performance.now() - begun }
}

function settingsFor (directory: string): string {
  const settings = join(directory, 'settings')
  mkdirSync(settings, { recursive: true })
  const folders = { loras: [join(directory, 'loras')], checkpoints: [join(directory, 'checkpoints')], embeddings: [join(directory, 'embeddings')] }
  for (const [folder] of Object.values(folders)) mkdirSync(String(folder), { recursive: true })
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({ folder_paths: folders }))
  return settings
}

/** Waits until a job of the kind was started. */
async function jobOf (server: ServerProcess, kind: string): Promise<void> {
  const deadline = Date.now() + WITHIN
  for (;;) {
    const { items } = await server.ask('/api/v1/jobs') as { items: { kind: string }[] }
    if (items.some((job) => job.kind === kind)) return
    if (Date.now() > deadline) throw new Error(`no ${kind} was started`)
    await delay(5)
  }
}

const faults = (lines: readonly LogLine[]): string[] => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)

t.test('a signal while many rows are loaded ends the server in time, with code 0 and no fault in the log', async (t) => {
  const directory = t.testdir()
  const settings = settingsFor(directory)
  const first = serverOn(t, settings)
  const { items: roots } = await first.ask('/api/v1/library/roots') as { items: { id: string, path: string }[] }
  const { id: rootId = '' } = roots.find(({ path }) => path === join(directory, 'loras')) ?? {}
  t.equal((await end(first, 'SIGTERM')).code, 0)

  const shelf = createCacheShelf({ settingsDirectory: settings, persistent: true, logger: silent })
  const { db } = shelf.open('default')
  const store = createModelStore(db)
  const facts = { file_size: 10, file_mtime: 1, file_dev: 1, sidecar_size: null, sidecar_mtime: null, info_mtime: null, preview_size: null, preview_mtime: null }
  for (let at = 0; at < 100_000; at += 5_000) {
    store.upsert(Array.from({ length: 5_000 }, (_, offset) => {
      const model = indexedModel({ file_path: join(directory, `loras/folder ${at}/model ${at + offset}.safetensors`), root_id: rootId, tags: ['a', `tag ${offset}`] })
      return { model, facts: { ...facts, file_inode: at + offset }, sidecar: null, bare: false, due: false }
    }))
  }
  shelf.close()

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = serverOn(t, settings)
    await server.says('listening on')
    const { code, ms } = await end(server, signal)
    t.equal(code, 0, signal)
    t.ok(ms < GRACE, `${signal}: ${Math.round(ms)} ms`)
    t.same(faults(server.lines()), [])
  }
})

t.test('a signal while folders are scanned and files hashed ends the server in time, with code 0 and no fault in the log', async (t) => {
  const directory = t.testdir()
  const settings = settingsFor(directory)
  makeLibrary({ directory, models: 600, seed: 3, previews: 0, sidecars: 0 })
  for (const busyWith of ['scan-loras', 'hash-loras']) {
    const server = serverOn(t, settings)
    await jobOf(server, busyWith)
    const { code, ms } = await end(server, 'SIGTERM')
    t.equal(code, 0)
    t.ok(ms < GRACE, `${Math.round(ms)} ms`)
    t.same(faults(server.lines()), [])
  }
})

/** A request whose body never comes. */
async function hangingRequest (t: Test, server: ServerProcess): Promise<Socket> {
  const { port } = new URL(await server.base())
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => { socket.destroy() })
  t.teardown(() => { socket.destroy() })
  await once(socket, 'connect')
  socket.write('POST /api/lm/settings HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n')
  await once(socket, 'data')
  return socket
}

t.test('a request that never ends does not keep the server from ending in time', async (t) => {
  const server = serverOn(t, settingsFor(t.testdir()))
  const socket = await hangingRequest(t, server)
  const { code, ms } = await end(server, 'SIGTERM')
  t.equal(code, 0)
  t.ok(ms < GRACE, `${Math.round(ms)} ms`)
  socket.destroy()
})

t.test('a second signal ends the server at once', async (t) => {
  const server = serverOn(t, settingsFor(t.testdir()))
  await hangingRequest(t, server)
  server.child.kill('SIGTERM')
  await server.says('"closing"')
  const { code, ms } = await end(server, 'SIGTERM')
  t.equal(code, 1)
  t.ok(ms < 1_000, `${Math.round(ms)} ms`)
})

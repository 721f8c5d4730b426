import { spawn, type ChildProcess } from 'node:child_process'
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

const GRACE = 5_000
const WITHIN = 60_000

interface Line { level: number, msg: string }

/** The server as a process of its own, with what it logs. */
function serverOn (t: Test, settings: string): { child: ChildProcess, says: (text: string) => Promise<string>, ended: Promise<number | null>, lines: () => Line[] } {
  const child = spawn(process.execPath, ['--import=tsx', '--no-warnings', join(import.meta.dirname, '..', 'server.ts'), '--settings', settings, '--port', '0', '--log-level', 'debug'])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    ended,
    lines: () => output.trim().split('\n').map((line) => JSON.parse(line) as Line),
    async says (text) {
      const deadline = Date.now() + WITHIN
      while (!output.includes(text)) {
        if (child.exitCode !== null || Date.now() > deadline) throw new Error(`it does not say "${text}": ${output}`)
        await delay(2)
      }
      return output
    }
  }
}

/** Sends the signal, and answers the exit code once the process has ended, with the time that took. */
async function end ({ child, ended }: ReturnType<typeof serverOn>, signal: NodeJS.Signals): Promise<{ code: number | null, ms: number }> {
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

async function ask (server: ReturnType<typeof serverOn>, path: string): Promise<unknown> {
  const base = /listening on (http:[^"]+)"/.exec(await server.says('listening on'))?.[1] ?? ''
  return await (await fetch(base + path)).json()
}

/** Waits until a job of the kind was started. */
async function jobOf (server: ReturnType<typeof serverOn>, kind: string): Promise<void> {
  const deadline = Date.now() + WITHIN
  for (;;) {
    const { items } = await ask(server, '/api/v1/jobs') as { items: { kind: string }[] }
    if (items.some((job) => job.kind === kind)) return
    if (Date.now() > deadline) throw new Error(`no ${kind} was started`)
    await delay(5)
  }
}

const faults = (lines: readonly Line[]): string[] => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)

t.test('a signal while many rows are loaded ends the server in time, with code 0 and no fault in the log', async (t) => {
  const directory = t.testdir()
  const settings = settingsFor(directory)
  const first = serverOn(t, settings)
  const { items: roots } = await ask(first, '/api/v1/library/roots') as { items: { id: string, path: string }[] }
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
async function hangingRequest (t: Test, server: ReturnType<typeof serverOn>): Promise<Socket> {
  const port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(await server.says('listening on'))?.[1])
  const socket = connect(port, '127.0.0.1')
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

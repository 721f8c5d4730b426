// Starts the built server once, on an empty folder of its own, and keeps what the runtime compiled for it: a third of the time of
// a start would go into that. Run by the build, with the options of `npm start`.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { codeCacheFile, openBundle } from './open-bundle.mjs'

const [folder] = process.argv.slice(2)
const WITHIN_MS = 20_000
const EVERY_MS = 50
/** What the first page of a browser asks for. */
const FIRST_ASKED = ['/health/live', '/', '/loras', '/api/lm/settings', '/api/lm/init-status', '/api/lm/loras/list?page_size=20', '/api/lm/loras/top-tags', '/api/lm/recipes?page_size=20', '/api/v1/jobs']

async function freePort () {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

async function untilAnswered (base) {
  const deadline = performance.now() + WITHIN_MS
  for (;;) {
    const answered = await fetch(`${base}/health/live`).then(() => true, () => false)
    if (answered) return
    if (performance.now() > deadline) throw new Error('the built server does not answer')
    await delay(EVERY_MS)
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'modelshelf-build-'))
process.once('exit', () => { rmSync(scratch, { recursive: true, force: true }) })
const port = await freePort()
mkdirSync(join(scratch, 'models', 'loras'), { recursive: true })
// What the user's own server is told by its surroundings is none of this one's business.
for (const name of Object.keys(process.env)) if (/^(?:MODELSHELF|LORA_MANAGER)_/.test(name)) delete process.env[name]
process.argv = [process.execPath, 'server', '--settings', join(scratch, 'settings'), '--models', join(scratch, 'models'), '--host', '127.0.0.1', '--port', String(port), '--log-level', 'silent']
const { script, run } = openBundle(folder)
run()
const base = `http://127.0.0.1:${port}`
await untilAnswered(base)
for (const path of FIRST_ASKED) await (await fetch(base + path)).arrayBuffer()
writeFileSync(codeCacheFile(folder), script.createCachedData())
// As a signal from outside: everything is closed in order.
process.emit('SIGTERM', 'SIGTERM')

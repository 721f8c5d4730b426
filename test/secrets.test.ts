import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import WebSocket from 'ws'
import { serverOn } from './helpers/server-process.ts'
import { putModel } from './helpers/running-app.ts'

const canary = (name: string): string => `canary-${name}-7f3a9c`
const secrets = { civitai_api_key: canary('civitai'), llm_api_key: canary('llm'), proxy_password: canary('proxy'), some_service_token: canary('unknown') }
/** Set over HTTP later. */
const later = { civitai_api_key: canary('civitai-new'), llm_api_key: canary('llm-new'), proxy_password: canary('proxy-new') }

interface Operations { paths: Record<string, { get?: { parameters?: { name: string, in: string }[] } }> }

/** Encodings in which a value could slip through. */
function formsOf (value: string): string[] {
  return [value, encodeURIComponent(value), Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(`user:${value}`).toString('base64').replace(/=+$/, '')]
}

t.test('no answer, event, log line or failure holds a key or a password', async (t) => {
  const directory = t.testdir({ settings: {}, loras: {} })
  const model = putModel(join(directory, 'loras'), 'one', { civitai: { id: 1, modelId: 2 } })
  // A proxy that takes nothing in: whatever goes out fails, and is told about.
  const proxy = createServer((socket) => { socket.destroy() }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => { proxy.close() })
  mkdirSync(join(directory, 'settings'), { recursive: true })
  const settings = { proxy_enabled: true, proxy_type: 'http', proxy_host: '127.0.0.1', proxy_port: String((proxy.address() as AddressInfo).port), proxy_username: 'user', ...secrets }
  const file = join(directory, 'settings/settings.json')
  writeFileSync(file, JSON.stringify({ ...settings, folder_paths: { loras: [join(directory, 'loras')] } }))
  const server = serverOn(t, join(directory, 'settings'), { logLevel: 'trace', env: { LLM_API_KEY: canary('environment') } })
  const base = await server.base()
  const heard: [from: string, text: string][] = []

  const sockets = ['/ws/fetch-progress', '/ws/init-progress', '/ws/download-progress', '/api/v1/events'].map((path) => {
    const socket = new WebSocket(base.replace('http', 'ws') + path)
    socket.on('message', (data) => { heard.push([path, String(data)]) })
    return socket
  })
  t.teardown(() => { for (const socket of sockets) socket.terminate() })
  await Promise.all(sockets.map(async (socket) => await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))))

  async function call (path: string, method = 'GET', body?: string): Promise<number> {
    const answer = await fetch(base + path, { method, redirect: 'manual', signal: AbortSignal.timeout(90_000), ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }) })
    heard.push([`${method} ${path}`, JSON.stringify([...answer.headers]) + await answer.text()])
    return answer.status
  }

  async function askEverything (): Promise<void> {
    const { paths } = await server.ask('/docs/json') as Operations
    const urls: string[] = []
    for (const [path, { get }] of Object.entries(paths)) {
      if (!get || path === '/api/v1/events') continue
      const given = (get.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => `${name}=${encodeURIComponent(/path|name/.test(name) ? model : '1')}`)
      const filled = path.replaceAll(/\{[^}]+\}/g, '1')
      urls.push(filled)
      if (given.length > 0 && !/reload|scan$/.test(path)) urls.push(`${filled}?${given.join('&')}`)
    }
    // Many of them wait for the world outside, which never answers: together they wait once.
    const askers = Array.from({ length: 24 }, async () => {
      for (let url = urls.shift(); url !== undefined; url = urls.shift()) await call(url)
    })
    await Promise.all(askers)
    await call('/api/lm/base-models/refresh', 'POST', '{}')
    await call('/api/lm/loras/fetch-civitai', 'POST', JSON.stringify({ file_path: model }))
    await call('/api/lm/loras/set-preview-from-url', 'POST', JSON.stringify({ model_path: model, image_url: 'http://93.184.216.34/a.png' }))
  }

  await askEverything()
  t.equal(await call('/api/lm/settings', 'POST', JSON.stringify(later)), 200)
  t.equal(await call('/api/lm/settings', 'POST', JSON.stringify({ ...later, proxy_type: 'none' })), 200)
  await call('/api/lm/settings', 'POST', JSON.stringify({ ...later, proxy_password: [later.proxy_password], civitai_api_key: { key: later.civitai_api_key } }))
  await call('/api/lm/settings', 'POST', `{"civitai_api_key":"${later.civitai_api_key}"`)
  await call('/api/lm/settings/libraries', 'POST', JSON.stringify({ name: 'x', civitai_api_key: later.civitai_api_key }))
  await askEverything()
  await call('/nowhere')
  const deadline = Date.now() + 10_000
  while (!heard.some(([from, text]) => from === '/api/v1/events' && text.includes('settings.changed'))) {
    if (Date.now() > deadline) throw new Error('the change of settings was not told')
    await delay(10)
  }
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)

  t.equal((JSON.parse(readFileSync(file, 'utf8')) as typeof later).proxy_password, later.proxy_password, 'the settings hold them')
  t.ok(heard.length > 100, `${heard.length} answers and frames`)
  t.ok(heard.some(([from, text]) => from === 'GET /api/lm/settings' && text.includes('"civitai_api_key_set":true')))
  const log = server.lines().map((line): [string, string] => ['the log', JSON.stringify(line)])
  t.ok(log.length > 5, `${log.length} log lines`)
  const forms = [...Object.values(secrets), ...Object.values(later), canary('environment')].flatMap(formsOf)
  const leaks = [...heard, ...log].filter(([, text]) => forms.some((form) => text.includes(form))).map(([from, text]) => `${from}: ${text.slice(0, 400)}`)
  t.same(leaks, [])
})

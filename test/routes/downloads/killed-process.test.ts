import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { civitaiDouble } from '../../helpers/civitai/double.ts'
import { serverOn, type ServerProcess } from '../../helpers/server-process.ts'
import { fileServer, sha256, weights } from '../../services/downloads/file-server.ts'
import { until } from './world.ts'

const MB = 1024 * 1024
/** By hand: 2000 MB and 20 deaths. */
const size = Number(process.env.DOWNLOAD_MB ?? 200) * MB
const deaths = Number(process.env.DOWNLOAD_DEATHS ?? 6)

t.test(`a download of ${size / MB} MB whose process, server and client die ${deaths} times in turn ends right, and is hardly loaded more than once`, { timeout: 900_000 }, async (t) => {
  const directory = realpathSync(t.testdir({ settings: {}, loras: {} }))
  const bytes = weights(size)
  const storage = await fileServer(t, { bytes, etag: '"one"' })
  // Slower than it is read, as every network is: what lies in the buffers of a connection is lost with it.
  storage.paceMs = 2
  const double = await civitaiDouble(t)
  const { version } = await double.catalogue.add({ name: 'long.safetensors', source: { bytes: bytes.subarray(0, 100) }, size, sha256: sha256(bytes), images: [] })
  double.faults.always('GET civitai /api/download/*', { location: storage.url, status: 307 })
  double.faults.always(/\/api\/download\//, { location: storage.url, status: 307 })
  const settings = join(directory, 'settings')
  mkdirSync(settings, { recursive: true })
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({
    watch_folders: false, folder_paths: { loras: [join(directory, 'loras')] }, provider_base_urls: { ...double.providerBaseUrls, here: new URL(storage.url).origin }
  }))
  const path = join(directory, 'loras/long.safetensors')
  const length = (): number => statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0

  let server: ServerProcess = serverOn(t, settings)
  let client = new AbortController()
  const ask = async (): Promise<void> => {
    const base = await server.base()
    await fetch(`${base}/api/lm/download-model`, {
      method: 'POST', body: JSON.stringify({ model_version_id: version.id, model_root: join(directory, 'loras'), download_id: 'long' }), headers: { 'content-type': 'application/json' }, signal: client.signal
    }).catch(() => undefined)
  }
  await until(async () => (await server.ask('/health/ready') as { status?: string }).status !== undefined)
  ask().catch(() => undefined)
  for (let death = 0; death < deaths; death++) {
    const at = Math.floor(size * (death + 1) / (deaths + 2))
    await until(() => length() >= at || statSync(path, { throwIfNoEntry: false }) !== undefined, 120_000)
    t.notOk(statSync(path, { throwIfNoEntry: false }), 'it is not there under its name yet')
    if (death % 3 === 0) {
      server.child.kill('SIGKILL')
      await server.ended
      server = serverOn(t, settings)
      await server.base()
    } else if (death % 3 === 1) {
      storage.cut()
    } else {
      client.abort()
      client = new AbortController()
    }
  }
  await until(async () => ((await server.ask('/api/v1/downloads/long')) as { state: string }).state === 'succeeded', 300_000)
  t.equal(statSync(path).size, size)
  t.equal(await hashOf(path), sha256(bytes))
  t.same(readdirSync(join(directory, 'loras')).sort(), ['long.metadata.json', 'long.safetensors'])
  // What lies in buffers on the way is lost with a connection, however large the file is.
  const most = size >= 1000 * MB ? size * 1.05 : size + (storage.requests.length - 1) * 8 * MB
  t.ok(storage.sent <= most, `${(storage.sent / size).toFixed(3)} of its size was sent`)
  t.comment(`${(storage.sent / size).toFixed(3)} of its size was sent in ${storage.requests.length} requests`)
  const { items } = await server.ask('/api/lm/loras/list') as { items: { sha256: string }[] }
  t.same(items.map(({ sha256 }) => sha256), [sha256(bytes)], 'one model, with its hash')
})

async function hashOf (path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: MB })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

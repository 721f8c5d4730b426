import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { poll } from '../built-server.ts'
import { FILE_NAME, startModelHost } from '../model-host.ts'
import { createRandom } from '../random.ts'
import { startChildServer } from './child-server.ts'
import { listAll } from './client.ts'
import { hashOf } from './disk.ts'
import { controlled } from './download-controls.ts'
import { ask, complain, downloadOf, lengthOf, type Download, type DownloadReport, type Scene } from './download-scene.ts'

export interface DownloadCampaignOptions {
  /** Emptied and used. */
  directory: string
  serverFile: string
  /** Size of the file whose download is killed. */
  megabytes: number
  deaths: number
  /** Pauses, resumes and cancels at moments that nobody chose. */
  controls: number
  seed: number
}

/** What lies in the buffers of a connection is lost with it: of a small file that is a larger share. */
const LOST_WITH_A_CONNECTION = 8 * 1024 * 1024
/** A network is slower than loopback: 512 KiB in so many milliseconds. */
const PACE_MS = 1
const ENDED = ['succeeded', 'failed', 'cancelled', 'skipped']

/** Downloads whose process, server and client die, whose file is exchanged or wrong, that are paused and cancelled: whatever happens, no half model is ever seen. */
export async function runDownloads (options: DownloadCampaignOptions): Promise<DownloadReport> {
  const began = performance.now()
  const report: DownloadReport = { deaths: { process: 0, server: 0, client: 0 }, sentOfSize: 0, slowest: { pause: 0, resume: 0, cancel: 0 }, looks: 0, complaints: [], seconds: 0 }
  rmSync(options.directory, { recursive: true, force: true })
  const plays: [string, number, (scene: Scene) => Promise<void>][] = [
    ['killed', options.megabytes, async (scene) => { await killed(scene, options.deaths) }],
    ['exchanged', Math.min(options.megabytes, 200), exchanged],
    ['wrong', 20, wrong],
    ['controlled', Math.min(options.megabytes, 200), async (scene) => { await controlled(scene, options.controls) }]
  ]
  for (const [name, megabytes, play] of plays) {
    await onStage({ ...options, directory: join(options.directory, name), megabytes }, report, play)
    process.stdout.write(`download ${name}: ${report.complaints.length} complaints\n`)
  }
  report.seconds = Math.round((performance.now() - began) / 100) / 10
  return report
}

async function onStage ({ directory, serverFile, megabytes, seed }: DownloadCampaignOptions, report: DownloadReport, play: (scene: Scene) => Promise<void>): Promise<void> {
  const [loras, settings] = [join(directory, 'loras'), join(directory, 'settings')]
  for (const made of [loras, settings]) mkdirSync(made, { recursive: true })
  const host = await startModelHost({ megabytes, seed, paceMs: PACE_MS })
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({ folder_paths: { loras: [loras] }, provider_base_urls: host.providers }))
  const scene: Scene = { directory, loras, settings, serverFile, random: createRandom(seed), server: await startChildServer({ serverFile, settings }), host, report }
  const over = new AbortController()
  try {
    await scene.server.ready()
    const looking = look(scene, over.signal)
    await play(scene)
    over.abort()
    await looking
    if (scene.server.crashed()) complain(scene, 'crash', 'the server ended by itself')
  } finally {
    over.abort()
    await scene.server.kill()
    await host.stop()
  }
}

/** All the while: what bears the name of a model is whole, in the folder and in the list. */
async function look (scene: Scene, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const name of readdirSync(scene.loras)) {
      if (!name.endsWith('.safetensors')) continue
      const size = statSync(join(scene.loras, name), { throwIfNoEntry: false })?.size
      if (size !== undefined && size !== scene.host.size) complain(scene, 'half-seen', `${name} is there with ${size} bytes`)
    }
    // A server that was killed lists nothing.
    const items = await listAll(scene.server.base, 'loras').catch(() => [])
    for (const item of items) if (item.file_size !== scene.host.size || item.sha256 !== scene.host.sha256()) complain(scene, 'half-seen', `a model of ${String(item.file_size)} bytes is listed`)
    scene.report.looks++
    await delay(20)
  }
}

async function untilEnded (scene: Scene): Promise<Download> {
  return await poll('the download to end', async () => {
    const download = await downloadOf(scene)
    return ENDED.includes(download.state) ? download : undefined
  }, { every: 50, within: 600_000 })
}

async function checkEnd (scene: Scene): Promise<void> {
  const { state, error } = await untilEnded(scene)
  // A client that asked once more after the end was told that it is there.
  const there = state === 'failed' && (error as { code?: string } | null)?.code === 'version-exists'
  if (state !== 'succeeded' && !there) complain(scene, 'failed', `the download ended as ${state}: ${JSON.stringify(error)}`)
  const names = readdirSync(scene.loras).filter((name) => !name.startsWith('.')).sort()
  const wanted = [FILE_NAME.replace('.safetensors', '.metadata.json'), FILE_NAME]
  if (names.join() !== wanted.join()) complain(scene, 'left-over', `the folder holds ${names.join(', ')}`)
  if (names.includes(FILE_NAME) && hashOf(join(scene.loras, FILE_NAME)) !== scene.host.sha256()) complain(scene, 'wrong-bytes', 'the hash of the model is not that of the file')
}

/** Process, connection and client die in turns while the file grows. */
async function killed (scene: Scene, deaths: number): Promise<void> {
  const { host, report } = scene
  let client = new AbortController()
  const asking = (): void => { ask(scene, client.signal).catch((error: unknown) => { complain(scene, 'failed', String(error)) }) }
  asking()
  for (let death = 0; death < deaths; death++) {
    const at = host.size * (death + 1) / (deaths + 1)
    await poll('the file to grow', async () => lengthOf(scene) >= at || ENDED.includes((await downloadOf(scene)).state) ? true : undefined, { every: 2 })
    if (death % 3 === 0) {
      report.deaths.process++
      await scene.server.kill()
      scene.server = await startChildServer(scene)
      await scene.server.ready()
    } else if (death % 3 === 1) {
      report.deaths.server++
      host.cut()
    } else {
      report.deaths.client++
      client.abort()
      client = new AbortController()
    }
    // Attaches to what runs.
    asking()
  }
  await checkEnd(scene)
  client.abort()
  report.sentOfSize = Math.round(host.sent / host.size * 1000) / 1000
  const most = Math.max(host.size * 1.05, host.size + host.requests * LOST_WITH_A_CONNECTION * (host.size < 2 ** 30 ? 1 : 0))
  if (host.sent > most) complain(scene, 'sent-again', `${report.sentOfSize} of the size of the file was sent`)
}

/** Between two connections it is another file, with another tag; the description promises nothing. */
async function exchanged (scene: Scene): Promise<void> {
  const { host } = scene
  host.promise = 'none'
  const asked = ask(scene)
  await poll('the file to grow', async () => lengthOf(scene) > host.size / 2 ? true : undefined, { every: 2 })
  host.exchange()
  host.cut()
  await asked
  await checkEnd(scene)
}

/** What comes is not what was promised. */
async function wrong (scene: Scene): Promise<void> {
  scene.host.promise = 'wrong'
  const answer = await ask(scene)
  if (answer?.status !== 500 || answer.json.code !== 'hash-mismatch') complain(scene, 'wrong-bytes', `wrong bytes were answered with ${JSON.stringify(answer)}`)
  const names = readdirSync(scene.loras).filter((name) => !name.startsWith('.'))
  if (names.length > 0) complain(scene, 'wrong-bytes', `wrong bytes left ${names.join(', ')}`)
}

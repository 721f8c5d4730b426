import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { poll } from '../built-server.ts'
import { FILE_NAME, startModelHost, type ModelHost } from '../model-host.ts'
import { createRandom, type Random } from '../random.ts'
import type { Complaint } from './check.ts'
import { startChildServer, type ChildServer } from './child-server.ts'
import { createCampaignClient, listAll } from './client.ts'
import { hashOf } from './disk.ts'

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

export interface DownloadReport {
  deaths: Record<'process' | 'server' | 'client', number>
  /** Bytes that were sent in all, of the size of the file. */
  sentOfSize: number
  /** The longest time until it took effect, in milliseconds. */
  slowest: Record<'pause' | 'resume' | 'cancel', number>
  /** How often a folder and the list were looked at, and showed no half file. */
  looks: number
  complaints: Complaint[]
  seconds: number
}

/** What lies in the buffers of a connection is lost with it: of a small file that is a larger share. */
const LOST_WITH_A_CONNECTION = 8 * 1024 * 1024
/** A network is slower than loopback: 512 KiB in so many milliseconds. */
const PACE_MS = 1
const CONTROL_MS = 1000
const DOWNLOAD = 'campaign'
const ENDED = ['succeeded', 'failed', 'cancelled', 'skipped']

interface Scene {
  directory: string
  loras: string
  settings: string
  serverFile: string
  random: Random
  server: ChildServer
  host: ModelHost
  report: DownloadReport
}

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

function complain ({ report }: Pick<Scene, 'report'>, kind: string, text: string): void {
  report.complaints.push({ kind, text })
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

const partOf = ({ loras }: Scene): string => join(loras, `${FILE_NAME}.part`)
const lengthOf = (scene: Scene): number => statSync(partOf(scene), { throwIfNoEntry: false })?.size ?? 0

interface Answer { status: number, json: Record<string, unknown> }

/** The request of a client, which waits for the end; null when it was broken off. */
async function ask (scene: Scene, signal?: AbortSignal): Promise<Answer | null> {
  try {
    const answer = await fetch(`${scene.server.base}/api/lm/download-model`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model_version_id: scene.host.versionId, model_root: scene.loras, download_id: DOWNLOAD }), ...(signal && { signal })
    })
    return { status: answer.status, json: await answer.json() as Record<string, unknown> }
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === 'AbortError')) return null
    throw error
  }
}

interface Download { state: string, error: unknown }

async function downloadOf (scene: Scene): Promise<Download> {
  const answer = await createCampaignClient(scene.server.base).get(`/api/v1/downloads/${DOWNLOAD}`)
  return { state: String(answer?.json.state), error: answer?.json.error }
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

/** Pause, resume and cancel at any moment: reading stops, goes on, and nothing is left, each within a second. */
async function controlled (scene: Scene, controls: number): Promise<void> {
  for (let n = 0; n < controls; n++) {
    const asked = ask(scene)
    await delay(scene.random.below(600))
    if (n % 2 === 0) await pauseAndResume(scene)
    await control(scene, 'cancel', 'cancel-download-get', async () => lengthOf(scene) === 0 && !(await isActive(scene)))
    await asked
    const names = readdirSync(scene.loras).filter((name) => !name.startsWith('.'))
    // One that had ended before it was cancelled is a model, and makes room for the next.
    if (names.some((name) => name.endsWith('.part') || name.includes('.tmp'))) complain(scene, 'left-over', `a cancelled download left ${names.join(', ')}`)
    if (names.length > 0) await makeRoom(scene, names)
  }
}

const isActive = async (scene: Scene): Promise<boolean> => ['queued', 'running', 'paused'].includes((await downloadOf(scene)).state)

async function pauseAndResume (scene: Scene): Promise<void> {
  let length = -1
  let since = performance.now()
  // It stands when it has not grown for a quarter of a second; that quarter is not counted.
  await control(scene, 'pause', 'pause-download', async () => {
    const now = lengthOf(scene)
    if (now !== length) [length, since] = [now, performance.now()]
    return performance.now() - since >= 250
  }, 250)
  await control(scene, 'resume', 'resume-download', async () => lengthOf(scene) > length || !await isActive(scene))
}

async function control (scene: Scene, word: 'pause' | 'resume' | 'cancel', route: string, done: () => Promise<boolean>, allowance = 0): Promise<void> {
  const began = performance.now()
  const answer = await createCampaignClient(scene.server.base).get(`/api/lm/${route}?download_id=${DOWNLOAD}`)
  // Nothing to hold: it has not begun, or it is over.
  if (answer?.status !== 200 && word !== 'cancel') return
  await poll(`the ${word} to take effect`, async () => await done() ? true : undefined, { every: 5, within: 30_000 })
  const took = Math.round(performance.now() - began - allowance)
  scene.report.slowest[word] = Math.max(scene.report.slowest[word], took)
  if (took > CONTROL_MS) complain(scene, 'slow', `a ${word} took ${took} ms`)
}

async function makeRoom (scene: Scene, names: readonly string[]): Promise<void> {
  for (const name of names) rmSync(join(scene.loras, name), { recursive: true })
  await fetch(`${scene.server.base}/api/lm/loras/scan`)
}

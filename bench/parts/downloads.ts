import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { poll, startBuiltServer, stopProcess, untilIdle, type BuiltServer } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import { makeLibrary } from '../library.ts'
import { hasProgram } from '../load-generator.ts'
import { atLeast, atMost, median, percentile, type Measurement } from '../measurement.ts'
import { startProbe } from './probe.ts'

const run = promisify(execFile)
const MEGABYTES = 1024
const ROUNDS = 5
const MODELS = 1000

interface Host { base: string, providers: Record<string, string>, versionId: number, sha256: string, stop (): Promise<void> }

interface Round { ours: number, curl: number, times: number[], memory: number }

/** A file of 1 GiB from a host on loopback into the library, in turns with curl from the same host to the same disk. */
export async function downloads (scratch: string): Promise<Measurement[]> {
  if (!await hasProgram('curl')) {
    process.stdout.write('  downloads: skipped, curl is not installed\n')
    return []
  }
  const directory = join(scratch, 'downloads')
  const settings = join(scratch, 'downloads-settings')
  makeLibrary({ directory, models: MODELS, seed: 8 })
  const host = await startHost()
  mkdirSync(settings, { recursive: true })
  const folders = Object.fromEntries(['loras', 'checkpoints', 'embeddings'].map((name) => [name, [join(directory, name)]]))
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({ folder_paths: folders, provider_base_urls: host.providers }))
  const server = await startBuiltServer({ settings })
  const client = createTimedClient(server.base)
  try {
    await poll('a server', async () => (await client.get('/health/live')).status)
    await untilIdle(server.base)
    const rounds: Round[] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const curl = await withCurl(host, join(directory, 'curl.bin'))
      const ours = await withServer(host, server, join(directory, 'loras'), round)
      // The first one warms both up.
      if (round > 0) rounds.push({ ...ours, curl })
    }
    return measurementsOf(rounds)
  } finally {
    client.close()
    await server.stop()
    await host.stop()
    for (const made of [directory, settings]) rmSync(made, { recursive: true, force: true })
  }
}

function measurementsOf (rounds: readonly Round[]): Measurement[] {
  const rate = (seconds: number): number => MEGABYTES * 1024 ** 2 / 1e6 / seconds
  const times = rounds.flatMap((round) => round.times)
  const ours = median(rounds.map((round) => rate(round.ours)))
  const curl = median(rounds.map((round) => rate(round.curl)))
  const peaks = rounds.map(({ memory }) => memory)
  const growth = (peaks.at(-1) ?? 0) - (peaks[0] ?? 0)
  const part = { part: 'downloads', models: null }
  return [
    { ...part, name: 'download with its hash, of curl to a file', value: median(rounds.map((round) => round.curl / round.ours)), unit: 'ratio', goal: atLeast(0.6), note: `${Math.round(ours)} of ${Math.round(curl)} MB/s, ${ROUNDS} × ${MEGABYTES} MiB in turns` },
    { ...part, name: 'list during a download, p99', value: percentile(times, 0.99), unit: 'ms', goal: atMost(25), note: `${times.length} queries at 100 Hz, p50 ${percentile(times, 0.5).toFixed(1)} ms` },
    { ...part, name: 'memory during downloads, growth over five', value: Math.max(0, growth), unit: 'MB', goal: atMost(16), note: `peaks ${peaks.map((peak) => Math.round(peak)).join(', ')} MB` }
  ]
}

/** In a process of its own: what it sends must not be in the way of what is measured here. */
async function startHost (): Promise<Host> {
  const script = join(import.meta.dirname, '..', `model-host-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`)
  const child = spawn(process.execPath, [...process.execArgv, script, String(MEGABYTES), '9'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line') as [string]
  return { ...JSON.parse(line) as Omit<Host, 'stop'>, stop: () => stopProcess(child) }
}

/** Seconds. */
async function withCurl ({ base }: Host, file: string): Promise<number> {
  const started = performance.now()
  await run('curl', ['--silent', '--fail', '--output', file, `${base}/file`])
  const seconds = (performance.now() - started) / 1000
  rmSync(file)
  return seconds
}

/** The whole way from the request to the model in the list, with lists asked for meanwhile. */
async function withServer (host: Host, server: BuiltServer, loras: string, round: number): Promise<Omit<Round, 'curl'>> {
  const probe = startProbe(server.base, (n) => `/api/lm/loras/list?page=${1 + n % 40}&sort_by=size`)
  const over = new AbortController()
  const sampling = highest(server, over.signal)
  const started = performance.now()
  const answer = await fetch(`${server.base}/api/lm/download-model`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model_version_id: host.versionId, model_root: loras, relative_path: `round-${round}`, download_id: `round-${round}` })
  })
  const json = await answer.json() as { success: boolean, file_path?: string }
  const seconds = (performance.now() - started) / 1000
  over.abort()
  const [times, memory] = [await probe.stop(), await sampling]
  if (!json.success || json.file_path === undefined) throw new Error(`the download answered ${answer.status}: ${JSON.stringify(json)}`)
  await remove(server, json.file_path, host.sha256)
  return { ours: seconds, times, memory }
}

/** The most megabytes that were resident at a time. */
async function highest (server: BuiltServer, signal: AbortSignal): Promise<number> {
  let most = 0
  while (!signal.aborted) {
    most = Math.max(most, server.residentMegabytes())
    await delay(20)
  }
  return most
}

/** Makes room for the next round. */
async function remove (server: BuiltServer, path: string, sha256: string): Promise<void> {
  const client = createTimedClient(server.base)
  try {
    const { items } = await client.json<{ items: { sha256: string }[] }>(`/api/lm/loras/list?lora_hash=${sha256}`)
    if (items.length !== 1) throw new Error('what was downloaded is not in the list with its hash')
  } finally {
    client.close()
  }
  rmSync(path)
  await fetch(`${server.base}/api/lm/loras/scan`)
  await untilIdle(server.base)
}

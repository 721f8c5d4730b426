import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { poll, startBuiltServer, untilIdle, writeSettings } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import { makeLargeFiles } from '../large-files.ts'
import { hasProgram } from '../load-generator.ts'
import { atLeast, atMost, median, percentile, type Measurement } from '../measurement.ts'
import { startProbe } from './probe.ts'

const run = promisify(execFile)
const ROUNDS = 3
/** Queries that are asked meanwhile are few in a second. */
const LOADED_ROUNDS = 5

interface Job { kind: string, started_at: string | null, finished_at: string | null }

/** New files without sidecars are hashed as soon as they are found; what they are, where the server finds them. */
interface Subject { library: string, settings: string, files: readonly string[], megabytes: number }

/**
 * Bytes per second of new files: warm, as files are that were just downloaded or copied, beside openssl on as many cores; and cold,
 * beside `cat` of the same files from the same disk. Lists that are asked for meanwhile are measured in runs of their own.
 */
export async function hashing (scratch: string): Promise<Measurement[]> {
  const library = join(scratch, 'large')
  const { files, bytes } = makeLargeFiles(join(library, 'loras'))
  for (const name of ['checkpoints', 'embeddings']) mkdirSync(join(library, name), { recursive: true })
  const subject: Subject = { library, settings: join(scratch, 'large-settings'), files, megabytes: bytes / 1e6 }
  try {
    await run('sync')
    return [...await warm(subject), ...await cold(subject), await listsMeanwhile(subject)]
  } finally {
    rmSync(library, { recursive: true, force: true })
  }
}

async function warm (subject: Subject): Promise<Measurement[]> {
  const rounds: { rate: number, reference: number | null }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const reference = await opensslRate()
    await readAll(subject.files)
    const { rate } = await hashOnce(subject)
    rounds.push({ rate, reference })
  }
  const rate = median(rounds.map((round) => round.rate))
  const measured: Measurement = { part: 'hashing', name: 'hashing, files in the page cache', models: null, value: rate, unit: 'MB/s', note: `${subject.files.length} files, ${Math.round(subject.megabytes)} MB` }
  const ratios = rounds.flatMap((round) => round.reference === null ? [] : round.rate / round.reference)
  if (ratios.length === 0) {
    process.stdout.write('  hashing against openssl: skipped, openssl is not installed\n')
    return [measured]
  }
  return [measured, { part: 'hashing', name: 'hashing, of openssl speed -multi 2', models: null, value: median(ratios), unit: 'ratio', goal: atLeast(0.85), note: rounds.map((round) => `${Math.round(round.rate)} of ${Math.round(round.reference ?? 0)} MB/s`).join(', ') }]
}

async function cold (subject: Subject): Promise<Measurement[]> {
  const ratios: number[] = []
  const notes: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await dropFromCache(subject.files)
    const reading = subject.megabytes / await readAll(subject.files)
    await dropFromCache(subject.files)
    const { rate } = await hashOnce(subject)
    ratios.push(rate / reading)
    notes.push(`${Math.round(rate)} of ${Math.round(reading)} MB/s`)
  }
  return [{ part: 'hashing', name: 'hashing from the disk, of cat from the disk', models: null, value: median(ratios), unit: 'ratio', note: notes.join(', ') }]
}

async function listsMeanwhile (subject: Subject): Promise<Measurement> {
  const times: number[] = []
  for (let round = 0; round < LOADED_ROUNDS; round++) {
    await readAll(subject.files)
    times.push(...(await hashOnce(subject, true)).times)
  }
  return { part: 'hashing', name: 'list while hashing, p99', models: null, value: percentile(times, 0.99), unit: 'ms', goal: atMost(25), note: `${times.length} queries at 100 Hz, p50 ${percentile(times, 0.5).toFixed(1)} ms, slowest ${percentile(times, 1).toFixed(1)} ms` }
}

/** A first start on the files; megabytes per second of the job that hashes them, and how long lists took meanwhile. */
async function hashOnce ({ library, settings, megabytes }: Subject, loaded = false): Promise<{ rate: number, times: number[] }> {
  writeSettings(settings, library)
  const server = await startBuiltServer({ settings })
  const client = createTimedClient(server.base)
  try {
    await poll('a server', async () => (await client.get('/health/live')).status)
    const find = async (isWanted: (job: Job) => boolean): Promise<Job | undefined> => {
      const { items } = await client.json<{ items: Job[] }>('/api/v1/jobs?limit=50')
      return items.find((job) => job.kind.includes('hash') && isWanted(job))
    }
    await poll('the hashing to begin', () => find((job) => job.started_at !== null), { every: 10 })
    const probe = loaded ? startProbe(server.base, (n) => `/api/lm/loras/list?page=${1 + n % 3}&page_size=10&sort_by=size`) : null
    const { started_at: from, finished_at: to } = await poll('every file to be hashed', () => find((job) => job.finished_at !== null), { every: 100 })
    const times = await probe?.stop() ?? []
    await untilIdle(server.base)
    const { items } = await client.json<{ items: { sha256: string }[] }>('/api/lm/loras/list?page_size=100')
    if (items.some((item) => item.sha256 === '')) throw new Error('not every file was hashed')
    return { rate: megabytes / ((Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000), times }
  } finally {
    client.close()
    await server.stop()
    // Sidecars written meanwhile hold the hashes, and the next start would believe them.
    for (const name of readdirSync(join(library, 'loras'))) if (name.endsWith('.json')) rmSync(join(library, 'loras', name))
    rmSync(settings, { recursive: true, force: true })
  }
}

/** Megabytes per second, or null without openssl. */
async function opensslRate (): Promise<number | null> {
  if (!await hasProgram('openssl')) return null
  const { stdout } = await run('openssl', ['speed', '-bytes', '1048576', '-seconds', '2', '-evp', 'sha256', '-multi', String(Math.min(2, availableParallelism()))])
  return Number(/([\d.]+)k\s*$/.exec(stdout.trim())?.[1]) / 1000
}

/** Seconds that reading them took. */
async function readAll (files: readonly string[]): Promise<number> {
  const began = performance.now()
  await run('sh', ['-c', 'exec cat "$@" > /dev/null', 'cat', ...files])
  return (performance.now() - began) / 1000
}

/** GNU dd tells the system that it needs the pages no more. */
async function dropFromCache (files: readonly string[]): Promise<void> {
  for (const file of files) await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
}

import { execFile } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { poll, startBuiltServer, untilIdle, writeSettings } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import { hasProgram } from '../load-generator.ts'
import { atLeast, atMost, percentile, type Measurement } from '../measurement.ts'
import { startProbe } from './probe.ts'

const run = promisify(execFile)
const FILES = 24
const FILE_BYTES = 256 * 1024 ** 2

interface List { items: { sha256: string }[] }
interface Jobs { items: { kind: string, started_at: string | null, finished_at: string | null }[] }

/** New files without sidecars are hashed as soon as they are found; their bytes per second, against openssl on two cores. */
export async function hashing (scratch: string): Promise<Measurement[]> {
  const library = join(scratch, 'large')
  const settings = join(scratch, 'large-settings')
  makeLargeFiles(join(library, 'loras'))
  for (const name of ['checkpoints', 'embeddings']) mkdirSync(join(library, name), { recursive: true })
  writeSettings(settings, library)
  const server = await startBuiltServer({ settings })
  const client = createTimedClient(server.base)
  try {
    await poll('a server', async () => (await client.get('/health/live')).status)
    const probe = startProbe(server.base, (n) => `/api/lm/loras/list?page=${1 + n % 3}&sort_by=size`)
    await poll('every file to be hashed', async () => {
      const { items } = await client.json<List>('/api/lm/loras/list?page_size=100')
      return items.length === FILES && items.every((item) => item.sha256 !== '') ? true : undefined
    })
    const times = await probe.stop()
    await untilIdle(server.base)
    const { items } = await client.json<Jobs>('/api/v1/jobs?limit=50')
    return [
      ...await ofOpenssl(items),
      { part: 'hashing', name: 'list while hashing, p99', models: null, value: percentile(times, 0.99), unit: 'ms', goal: atMost(25), note: `${times.length} queries at 100 Hz` }
    ]
  } finally {
    client.close()
    await server.stop()
  }
}

async function ofOpenssl (jobs: Jobs['items']): Promise<Measurement[]> {
  const job = jobs.find((candidate) => candidate.kind.includes('hash') && candidate.started_at && candidate.finished_at)
  if (!job?.started_at || !job.finished_at) throw new Error(`no finished job that hashes among ${jobs.map((candidate) => candidate.kind).join(', ')}`)
  const megabytes = FILES * FILE_BYTES / 1e6
  const rate = megabytes / ((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)
  const measured: Measurement = { part: 'hashing', name: 'hashing', models: null, value: rate, unit: 'MB/s', note: `${FILES} files of ${FILE_BYTES / 1024 ** 2} MiB` }
  if (!await hasProgram('openssl')) {
    process.stdout.write('  hashing against openssl: skipped, openssl is not installed\n')
    return [measured]
  }
  const { stdout } = await run('openssl', ['speed', '-bytes', '1048576', '-seconds', '2', '-evp', 'sha256', '-multi', String(Math.min(2, availableParallelism()))])
  const reference = Number(/([\d.]+)k\s*$/.exec(stdout.trim())?.[1]) / 1000
  return [measured, { part: 'hashing', name: 'hashing, of openssl speed -multi 2', models: null, value: rate / reference, unit: 'ratio', goal: atLeast(0.85), note: `${Math.round(rate)} of ${Math.round(reference)} MB/s` }]
}

/** Valid safetensors files, each with bytes of its own in the header and a body that takes no room on the disk. */
function makeLargeFiles (directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (let index = 0; index < FILES; index++) {
    const autov3 = index.toString(16).padStart(12, 'b')
    const describe = (bytes: number) => Buffer.from(JSON.stringify({
      __metadata__: { sshs_model_hash: autov3.padEnd(64, 'a') },
      'lora_unet.lora_up.weight': { dtype: 'F16', shape: [bytes / 2], data_offsets: [0, bytes] }
    }))
    // The number of bytes has nine digits in every file, so the header's length does not depend on it.
    const bytes = FILE_BYTES - 8 - describe(100_000_000).length
    const header = describe(bytes)
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    const file = join(directory, `large-${index}.safetensors`)
    writeFileSync(file, Buffer.concat([length, header]))
    truncateSync(file, 8 + header.length + bytes)
  }
}

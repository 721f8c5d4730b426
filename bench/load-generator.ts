import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Load {
  /** Requests per second that one connection pool of 20 gets out of a URL. */
  (url: string, headers?: Record<string, string>): Promise<number>
}

const SECONDS = 2
const CONNECTIONS = 20

export async function hasProgram (name: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${name}`]).then(() => true, () => false)
}

/** wrk where it is installed, since autocannon itself is the limit with small answers. */
export async function createLoad (): Promise<{ load: Load, tool: string }> {
  return await hasProgram('wrk') ? { load: withWrk, tool: 'wrk' } : { load: withAutocannon, tool: 'autocannon' }
}

async function withWrk (url: string, headers: Record<string, string> = {}): Promise<number> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { stdout } = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...lines, url])
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)
  if (!Number.isFinite(rate) || failed) throw new Error(`wrk on ${url}: ${failed?.[0] ?? stdout}`)
  return rate
}

async function withAutocannon (url: string, headers: Record<string, string> = {}): Promise<number> {
  const cli = createRequire(import.meta.url).resolve('autocannon')
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}=${value}`])
  const { stdout } = await run(process.execPath, [cli, '--json', '-c', String(CONNECTIONS), '-d', String(SECONDS), ...lines, url])
  const { requests, non2xx, statusCodeStats } = JSON.parse(stdout) as { requests: { average: number }, non2xx: number, statusCodeStats?: Record<string, unknown> }
  if (non2xx > 0 && !statusCodeStats?.['304']) throw new Error(`autocannon on ${url}: ${non2xx} failed`)
  return requests.average
}

export interface Contender { url: string, headers?: Record<string, string> }

/**
 * How many times as many requests `ours` answers as `reference`: both are loaded in turns, three rounds,
 * so that a neighbour's noise hits both; the middle ratio counts.
 */
export async function ratio (load: Load, ours: Contender, reference: Contender): Promise<{ ratio: number, ours: number, reference: number }> {
  const rounds: { ratio: number, ours: number, reference: number }[] = []
  for (let round = 0; round < 3; round++) {
    const other = await load(reference.url, reference.headers)
    const own = await load(ours.url, ours.headers)
    rounds.push({ ratio: own / other, ours: own, reference: other })
  }
  rounds.sort((a, b) => a.ratio - b.ratio)
  const middle = rounds[1]
  if (!middle) throw new Error('no rounds')
  return middle
}

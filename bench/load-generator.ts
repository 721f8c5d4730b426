import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { availableParallelism, cpus } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Requests per second that one connection pool of 20 gets out of a URL. */
export type Load = (url: string, headers?: Record<string, string>) => Promise<number>

const SECONDS = 1
const ROUNDS = 7
const CONNECTIONS = 20
const SERVER_CORE = '0'
const CLIENT_CORE = '1'

export async function hasProgram (name: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${name}`]).then(() => true, () => false)
}

/** Server and client on a core each where the system can do that: figures are those of one core then. */
async function canPin (): Promise<boolean> {
  return availableParallelism() > 1 && await hasProgram('taskset')
}

async function pin (pid: number, cores: string): Promise<void> {
  await run('taskset', ['-a', '-c', '-p', cores, String(pid)])
}

async function runLoad (program: string, args: readonly string[]): Promise<{ stdout: string }> {
  return await canPin() ? await run('taskset', ['-c', CLIENT_CORE, program, ...args]) : await run(program, args)
}

/** wrk where it is installed, since autocannon itself is the limit with small answers. */
export async function createLoad (): Promise<{ load: Load, tool: string }> {
  return await hasProgram('wrk') ? { load: withWrk, tool: 'wrk' } : { load: withAutocannon, tool: 'autocannon' }
}

async function withWrk (url: string, headers: Record<string, string> = {}): Promise<number> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { stdout } = await runLoad('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...lines, url])
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)
  if (!Number.isFinite(rate) || failed) throw new Error(`wrk on ${url}: ${failed?.[0] ?? stdout}`)
  return rate
}

async function withAutocannon (url: string, headers: Record<string, string> = {}): Promise<number> {
  const cli = createRequire(import.meta.url).resolve('autocannon')
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}=${value}`])
  const { stdout } = await runLoad(process.execPath, [cli, '--json', '-c', String(CONNECTIONS), '-d', String(SECONDS), ...lines, url])
  const { requests, non2xx, statusCodeStats } = JSON.parse(stdout) as { requests: { average: number }, non2xx: number, statusCodeStats?: Record<string, unknown> }
  if (non2xx > 0 && !statusCodeStats?.['304']) throw new Error(`autocannon on ${url}: ${non2xx} failed`)
  return requests.average
}

export interface Contender {
  url: string
  /** The process that answers. */
  pid: number
  headers?: Record<string, string>
}

export interface Compared { ratio: number, ours: number, reference: number }

/**
 * How many times as many requests `ours` answers as `reference`: both are loaded in turns, seven rounds after one that only warms up,
 * so that a neighbour's noise hits both; the middle ratio counts.
 */
export async function ratio (load: Load, ours: Contender, reference: Contender): Promise<Compared> {
  const pinned = await canPin()
  if (pinned) for (const { pid } of [ours, reference]) await pin(pid, SERVER_CORE)
  const rounds: Compared[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const other = await load(reference.url, reference.headers)
    const own = await load(ours.url, ours.headers)
    if (round > 0) rounds.push({ ratio: own / other, ours: own, reference: other })
  }
  if (pinned) await pin(ours.pid, `0-${cpus().length - 1}`)
  rounds.sort((a, b) => a.ratio - b.ratio)
  const middle = rounds[rounds.length >> 1]
  if (!middle) throw new Error('no rounds')
  return middle
}

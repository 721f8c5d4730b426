import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createTimedClient } from './http-client.ts'

export interface BuiltServer {
  base: string
  pid: number
  /** `performance.now()` at the moment of exec. */
  executedAt: number
  /** The same moment in milliseconds since the epoch. */
  startedAt: number
  /** Resident memory in MB. */
  residentMegabytes (): number
  /** Since it was asked last; only with `watchLoop`. */
  loopDelay (): Promise<LoopDelay>
  stop (): Promise<void>
}

/** Milliseconds that timers of the server came late. */
export interface LoopDelay { p99: number, longest: number }

export interface BuiltServerOptions {
  settings: string
  args?: readonly string[]
  /** Measures how late timers of the server are. */
  watchLoop?: boolean
}

/** Bench files run from dist/bench, or from bench/ in tests; the server is the built one either way. */
const root = import.meta.url.endsWith('.ts') ? join(import.meta.dirname, '..') : join(import.meta.dirname, '..', '..')
export const projectDirectory = root
export const serverFile = join(root, 'dist', 'server.js')

/** Options of the runtime that `npm start` gives. */
function runtimeOptions (): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

export async function freePort (): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

/** Settings that point at a generated library; written only where none are. */
export function writeSettings (settings: string, library: string): void {
  mkdirSync(settings, { recursive: true })
  const file = join(settings, 'settings.json')
  if (existsSync(file)) return
  const folders = Object.fromEntries(['loras', 'checkpoints', 'embeddings'].map((name) => [name, [join(library, name)]]))
  writeFileSync(file, JSON.stringify({ folder_paths: folders }, null, 2))
}

/** Runs dist/server.js as a user would, logs to a file. Resolves at exec; ask `answers` when it is needed. */
export async function startBuiltServer ({ settings, args = [], watchLoop = false }: BuiltServerOptions): Promise<BuiltServer> {
  const port = await freePort()
  mkdirSync(settings, { recursive: true })
  const log = openSync(join(settings, 'server.log'), 'a')
  const delayFile = join(settings, 'loop-delay.json')
  const watch = watchLoop ? ['--import', new URL('./loop-delay.js', import.meta.url).href] : []
  const executedAt = performance.now()
  const startedAt = Date.now()
  const child = spawn(process.execPath, [...runtimeOptions(), ...watch, serverFile, '--settings', settings, '--host', '127.0.0.1', '--port', String(port), ...args], { stdio: ['ignore', log, log], env: { ...process.env, ...(watchLoop && { BENCH_LOOP_DELAY: delayFile }) } })
  closeSync(log)
  if (child.pid === undefined) throw new Error('the server could not be started')
  const { pid } = child
  return {
    base: `http://127.0.0.1:${port}`,
    pid,
    executedAt,
    startedAt,
    residentMegabytes: () => residentMegabytes(pid),
    async loopDelay () {
      rmSync(delayFile, { force: true })
      child.kill('SIGPIPE')
      return await poll('the delay of the loop', async () => existsSync(delayFile) ? JSON.parse(readFileSync(delayFile, 'utf8')) as LoopDelay : undefined, { within: 30_000 })
    },
    stop: () => stopProcess(child)
  }
}

/** Ends one process that we started, by its id: politely, then not. */
export async function stopProcess (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(late)
}

function residentMegabytes (pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1] ?? Number.NaN) / 1024
}

/** Asks again until `ask` answers something; a refused connection counts as "not yet". */
export async function poll<Value> (what: string, ask: () => Promise<Value | undefined>, { every = 20, within = 300_000 } = {}): Promise<Value> {
  const deadline = performance.now() + within
  for (;;) {
    let reason: unknown = 'not yet'
    try {
      const value = await ask()
      if (value !== undefined) return value
    } catch (error) {
      reason = error
    }
    if (performance.now() > deadline) throw new Error(`waited ${within} ms for ${what}`, { cause: reason })
    await delay(every)
  }
}

interface InitStatus { status: string }
interface Jobs { items: { state: string }[] }
interface Roots { items: { last_reconcile: string | null }[] }

/**
 * Until every index is complete and no job is queued or runs. With `since`, every folder must have been compared after it:
 * an index from its rows is complete before that has begun.
 */
export async function untilIdle (base: string, since = 0): Promise<void> {
  const client = createTimedClient(base)
  try {
    await poll('the server to be idle', async () => {
      const { status } = await client.json<InitStatus>('/api/lm/init-status')
      const { items } = await client.json<Jobs>('/api/v1/jobs?limit=200')
      const { items: roots } = await client.json<Roots>('/api/v1/library/roots')
      if (since > 0 && !roots.every(({ last_reconcile: at }) => at !== null && Date.parse(at) >= since)) return undefined
      return status === 'complete' && items.every((job) => !['queued', 'running'].includes(job.state)) ? true : undefined
    }, { every: 50 })
  } finally {
    client.close()
  }
}

import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConflictError } from '../errors.ts'

/** What the lock file says; a command line finds the running server by it. */
export interface LockInfo {
  pid: number
  /** Start of that process in the kernel's clock (tells a reused pid apart), null where it cannot be read. */
  pid_started: string | null
  machine: string
  token: string
  /** ISO 8601 UTC */
  since: string
  host: string | null
  port: number | null
}

export interface Lock {
  readonly info: LockInfo
  /** Makes the address known once the server listens. */
  update (address: { host: string, port: number }): void
  release (): void
}

const BEAT = 2000
/** A lock of another machine whose heartbeat stands still this long is stale. */
const FOREIGN_WAIT = 5000
/** A process that was killed a moment ago may still be there, and is no reason to refuse the next one. */
const DYING_WAIT = 1000

/**
 * Takes the advisory lock of a settings directory, taking over a stale one.
 * @throws ConflictError `already-running` when another live process holds it
 */
export async function acquireLock (settingsDirectory: string, address: { host?: string, port?: number } = {}): Promise<Lock> {
  const folder = join(settingsDirectory, 'modelshelf')
  const file = join(folder, 'lock')
  mkdirSync(folder, { recursive: true })
  const info: LockInfo = {
    pid: process.pid,
    pid_started: startOf(process.pid),
    machine: hostname(),
    token: randomUUID(),
    since: new Date().toISOString(),
    host: address.host ?? null,
    port: address.port ?? null
  }
  while (!create(file, info)) await removeStale(file)
  const beat = setInterval(() => { touch(file, info.token) }, BEAT)
  beat.unref()
  return {
    info,
    update (to) {
      Object.assign(info, to)
      const next = `${file}.${info.token}`
      writeFileSync(next, JSON.stringify(info))
      renameSync(next, file)
    },
    release () {
      clearInterval(beat)
      if (readLock(settingsDirectory)?.token === info.token) rmSync(file, { force: true })
    }
  }
}

/** Who holds the lock of a settings directory; null when nobody does or the file makes no sense. */
export function readLock (settingsDirectory: string): LockInfo | null {
  return parse(join(settingsDirectory, 'modelshelf', 'lock'))
}

function parse (file: string): LockInfo | null {
  try {
    const info = JSON.parse(readFileSync(file, 'utf8')) as LockInfo | null
    return info !== null && Number.isInteger(info.pid) && typeof info.token === 'string' ? info : null
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function create (file: string, info: LockInfo): boolean {
  try {
    writeFileSync(file, JSON.stringify(info), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function removeStale (file: string): Promise<void> {
  const holder = parse(file)
  if (holder === null ? await beats(file, 200) : await isAlive(file, holder)) {
    throw new ConflictError(`modelshelf already runs on this settings directory (process ${holder?.pid ?? 'unknown'}${holder?.port ? `, port ${holder.port}` : ''})`, 'already-running')
  }
  // Only one of several takers moves this very lock away; a loser finds the winner's at its next try.
  if (parse(file)?.token === holder?.token) rmSync(file, { force: true })
}

async function isAlive (file: string, holder: LockInfo): Promise<boolean> {
  if (holder.machine !== hostname()) return await beats(file, FOREIGN_WAIT)
  const end = performance.now() + DYING_WAIT
  while (runs(holder)) {
    if (performance.now() >= end || holder.pid === process.pid) return true
    await delay(50)
  }
  return false
}

function runs (holder: LockInfo): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.pid_started === null || holder.pid_started === startOf(holder.pid)
}

/** Whether the file is written within the time given. */
async function beats (file: string, ms: number): Promise<boolean> {
  const before = stamp(file)
  const end = performance.now() + ms
  while (performance.now() < end) {
    await delay(100)
    if (stamp(file) !== before) return true
  }
  return false
}

function stamp (file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs
}

function touch (file: string, token: string): void {
  if (parse(file)?.token !== token) return
  const now = new Date()
  utimesSync(file, now, now)
}

/** Field 22 of /proc/<pid>/stat, null for a process that has ended and waits for its parent; the command name before it may hold spaces and brackets. */
function startOf (pid: number): string | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    // no such process any more, or no such file system
    return null
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19] ?? null
}

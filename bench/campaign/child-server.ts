import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { readLock } from '../../services/database/lock.ts'
import { poll, untilIdle } from '../built-server.ts'

export interface ChildServer {
  /** Known once it is ready. */
  readonly base: string
  /** Until it serves every index and nothing runs in the background. */
  ready (): Promise<void>
  /** As a power cut does it: nothing is finished. Resolves when the process is gone. */
  kill (): Promise<void>
  /** Ended by itself: a crash. */
  crashed (): boolean
}

export interface ChildServerOptions { serverFile: string, settings: string, /** Numeric id of the user that it runs as; by default our own. */ user?: number | undefined }

/** A server as a process of its own, on a settings directory that earlier ones were killed on. */
export async function startChildServer ({ serverFile, settings, user }: ChildServerOptions): Promise<ChildServer> {
  mkdirSync(settings, { recursive: true })
  const log = openSync(join(settings, 'server.log'), 'a')
  const startedAt = Date.now()
  const child = spawn(process.execPath, [serverFile, '--settings', settings, '--host', '127.0.0.1', '--port', '0'], { stdio: ['ignore', log, log], env: { ...process.env, NODE_OPTIONS: '' }, ...(user !== undefined && { uid: user, gid: user }) })
  closeSync(log)
  const exited = once(child, 'exit')
  let base = ''
  let killed = false
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null
  /** A port that was free a moment ago may be another's now, so the server chooses one and says it in its lock. */
  const listening = (): string | undefined => {
    const lock = readLock(settings)
    return lock?.pid === child.pid && lock?.port ? `http://127.0.0.1:${lock.port}` : undefined
  }
  return {
    get base () { return base },
    async ready () {
      await poll('the server to be ready', async () => {
        if (gone()) return 'gone'
        base = listening() ?? ''
        if (base === '') return undefined
        const { status } = await fetch(`${base}/health/ready`)
        return status === 200 ? 'ready' : undefined
      }, { within: 60_000 })
      if (gone()) throw new Error(`the server ended by itself, see ${join(settings, 'server.log')}`)
      await untilIdle(base, startedAt)
    },
    async kill () {
      killed = true
      if (!gone()) child.kill('SIGKILL')
      await exited
    },
    crashed: () => gone() && !killed
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { sourceArguments } from './source-arguments.ts'

const WITHIN = 60_000

export interface LogLine { level: number, msg: string }

export interface ServerProcess {
  child: ChildProcess
  /** Waits until it has written the text; answers everything it has written. */
  says (text: string): Promise<string>
  ended: Promise<number | null>
  lines (): LogLine[]
  base (): Promise<string>
  ask (path: string): Promise<unknown>
}

/** The server as a process of its own on a free port of loopback, with what it writes. */
export function serverOn (t: Pick<Test, 'teardown'>, settings: string, { logLevel = 'debug', env = {} }: { logLevel?: string, env?: NodeJS.ProcessEnv } = {}): ServerProcess {
  const child = spawn(process.execPath, [...sourceArguments, join(import.meta.dirname, '..', '..', 'server.ts'), '--settings', settings, '--port', '0', '--log-level', logLevel], { env: { PATH: process.env.PATH, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  async function says (text: string): Promise<string> {
    const deadline = Date.now() + WITHIN
    while (!output.includes(text)) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`it does not say "${text}": ${output}`)
      await delay(2)
    }
    return output
  }
  const base = async (): Promise<string> => /listening on (http:[^"]+)"/.exec(await says('listening on'))?.[1] ?? ''
  return {
    child,
    says,
    ended,
    lines: () => output.trim().split('\n').map((line) => JSON.parse(line) as LogLine),
    base,
    ask: async (path) => await (await fetch(await base() + path)).json()
  }
}

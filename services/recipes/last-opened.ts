import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFileAtomic } from '../files/atomic-write.ts'
import { isObject } from '../models/read-value.ts'

/** When recipes were last opened, in a file that other programs of the family write, too (recipes §1.8). */
export interface LastOpened {
  /** Grows with every change. */
  readonly version: number
  /** Seconds; undefined: never. */
  at (id: string): number | undefined
  open (id: string): void
  /** Takes in what others wrote since. */
  refresh (): Promise<void>
  close (): Promise<void>
}

interface LastOpenedDeps {
  file: string
  /** Seconds since 1970. */
  now: () => number
  warn: (message: string, error: unknown) => void
  delayMs?: number
}

const DELAY_MS = 800

export function createLastOpened ({ file, now, warn, delayMs = DELAY_MS }: LastOpenedDeps): LastOpened {
  const times = new Map<string, number>()
  let version = 0
  let readMtime = -1
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  function take (id: string, seconds: number): void {
    if (seconds <= (times.get(id) ?? 0)) return
    times.set(id, seconds)
    version++
  }

  async function refresh (): Promise<void> {
    const mtime = (await stat(file).catch(() => null))?.mtimeMs ?? -1
    if (mtime === readMtime || mtime < 0) return
    readMtime = mtime
    for (const [id, seconds] of Object.entries(await readTimes(file))) if (typeof seconds === 'number') take(id, seconds)
  }

  async function write (): Promise<void> {
    await refresh()
    await mkdir(dirname(file), { recursive: true })
    await writeFileAtomic(file, JSON.stringify(Object.fromEntries(times), null, 2), { durable: false })
    readMtime = (await stat(file)).mtimeMs
  }

  function flush (): Promise<void> {
    if (timer) clearTimeout(timer)
    timer = null
    writing = writing.then(write).catch((error: unknown) => { warn('when recipes were opened could not be noted', error) })
    return writing
  }

  return {
    get version () { return version },
    at: (id) => times.get(id),
    open (id) {
      take(id, now())
      timer ??= setTimeout(() => { flush().catch(() => undefined) }, delayMs)
    },
    refresh,
    async close () {
      if (timer) await flush()
      await writing
    }
  }
}

/** A broken file tells nothing; it is replaced at the next note. */
async function readTimes (file: string): Promise<Record<string, unknown>> {
  try {
    const times: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isObject(times) ? times : {}
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

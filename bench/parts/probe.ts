import { setTimeout as delay } from 'node:timers/promises'
import { createTimedClient } from '../http-client.ts'

export interface Probe {
  /** Ends the probing; milliseconds of every answered request. */
  stop (): Promise<number[]>
}

/**
 * Sends a request every 10 ms, whether or not the last one is answered, and notes how long each took:
 * what a user feels while the server works on something else.
 */
export function startProbe (base: string, path: (n: number) => string): Probe {
  const clients = Array.from({ length: 8 }, () => createTimedClient(base))
  const times: number[] = []
  const ended = new AbortController()

  async function lane (client: typeof clients[number], offset: number): Promise<void> {
    await delay(offset * 10)
    for (let n = offset; !ended.signal.aborted; n += clients.length) {
      const started = performance.now()
      try {
        const { milliseconds } = await client.get(path(n))
        times.push(milliseconds)
      } catch (error) {
        // Not listening yet, or gone: no figure, the next turn asks again.
        if (!ended.signal.aborted && !(error instanceof Error && 'code' in error)) throw error
      }
      await delay(Math.max(0, clients.length * 10 - (performance.now() - started)))
    }
  }

  const lanes = clients.map(lane)
  return {
    async stop () {
      ended.abort()
      await Promise.all(lanes)
      for (const client of clients) client.close()
      return times
    }
  }
}

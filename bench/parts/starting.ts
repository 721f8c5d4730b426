import { setTimeout as delay } from 'node:timers/promises'
import { poll, startBuiltServer, untilIdle, type BuiltServer } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import { atMost, atScale, percentile, type Measurement } from '../measurement.ts'
import { startProbe } from './probe.ts'

interface List { total: number }
interface InitStatus { status: string }

/**
 * Until the list of LoRAs holds them all; answers the milliseconds since exec. Asks for the state, which costs nothing,
 * and for the list once it should be complete: asking for lists all the time would measure those lists.
 */
export async function untilComplete (server: BuiltServer, loras: number): Promise<number> {
  const client = createTimedClient(server.base)
  try {
    return await poll(`a list of ${loras}`, async () => {
      const { status } = await client.json<InitStatus>('/api/lm/init-status?pageType=loras')
      if (status !== 'complete') return undefined
      const { total } = await client.json<List>('/api/lm/loras/list?page_size=20')
      return total >= loras ? performance.now() - server.executedAt : undefined
    }, { every: 5 })
  } finally {
    client.close()
  }
}

/** Starts on filled caches; the server goes on running for the parts that follow. */
export async function warmStart (settings: string, models: number): Promise<{ server: BuiltServer, measurements: Measurement[] }> {
  const server = await startBuiltServer({ settings })
  try {
    const probe = startProbe(server.base, () => '/health/live')
    const complete = await untilComplete(server, models)
    await untilIdle(server.base)
    await delay(500)
    const times = await probe.stop()
    return {
      server,
      measurements: [
        { part: 'start', name: 'warm start, exec to first complete list', models, value: complete, unit: 'ms', ...atScale(models, atMost(1_500)) },
        { part: 'start', name: 'answers while it loads and reconciles, p99', models, value: percentile(times, 0.99), unit: 'ms', ...atScale(models, atMost(20)), note: `${times.length} probes at 100 Hz, slowest ${percentile(times, 1).toFixed(1)} ms` }
      ]
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

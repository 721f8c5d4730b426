import { setTimeout as delay } from 'node:timers/promises'
import { poll, startBuiltServer, untilIdle, type BuiltServer, type LoopDelay } from '../built-server.ts'
import { createTimedClient } from '../http-client.ts'
import { atMost, atScale, median, percentile, type Measurement } from '../measurement.ts'
import { startProbe } from './probe.ts'

/** A list that is asked for more often is most of what is measured. */
const POLL_MS = 20

interface List { total: number }
interface InitStatus { status: string }

/**
 * Until the list of LoRAs holds them all; answers the milliseconds since exec. During a first scan it asks for the state only,
 * which costs nothing; a library with rows is listed from the beginning.
 */
export async function untilComplete (server: BuiltServer, loras: number): Promise<number> {
  const client = createTimedClient(server.base)
  try {
    return await poll(`a list of ${loras}`, async () => {
      const { status } = await client.json<InitStatus>('/api/lm/init-status?pageType=loras')
      if (status !== 'complete') return undefined
      const { total } = await client.json<List>('/api/lm/loras/list?page_size=20')
      return total >= loras ? performance.now() - server.executedAt : undefined
    }, { every: POLL_MS })
  } finally {
    client.close()
  }
}

const START_MS = 1_500
const LOOP_MS = 20
const SETTLE_MS = 500

interface Start { complete: number, answers: number[], loop: LoopDelay | null }

/** One start until everything has been compared; `/health/live` is asked meanwhile, which costs next to nothing. */
async function follow (server: BuiltServer, models: number, watched: boolean): Promise<Start> {
  const client = createTimedClient(server.base)
  try {
    await poll('a first answer', async () => (await client.get('/health/live')).status, { every: 2 })
  } finally {
    client.close()
  }
  if (watched) await server.loopDelay()
  const probe = startProbe(server.base, () => '/health/live')
  try {
    const complete = await untilComplete(server, models)
    await untilIdle(server.base, server.startedAt)
    await delay(SETTLE_MS)
    return { complete, answers: await probe.stop(), loop: watched ? await server.loopDelay() : null }
  } catch (error) {
    await probe.stop()
    throw error
  }
}

/** Starts on filled caches, three times; the last server goes on running for the parts that follow, and nothing is loaded into it. */
export async function warmStart (settings: string, models: number): Promise<{ server: BuiltServer, measurements: Measurement[] }> {
  const starts: Start[] = []
  for (const watched of [true, true, false]) {
    const server = await startBuiltServer({ settings, watchLoop: watched })
    try {
      starts.push(await follow(server, models, watched))
    } catch (error) {
      await server.stop()
      throw error
    }
    if (!watched) return { server, measurements: startFigures(starts, models) }
    await server.stop()
  }
  throw new Error('no server was started to go on with')
}

function startFigures (starts: readonly Start[], models: number): Measurement[] {
  const answers = starts.flatMap((start) => start.answers)
  const loops = starts.flatMap(({ loop }) => loop ?? [])
  return [
    { part: 'start', name: 'warm start, exec to first complete list', models, value: median(starts.map(({ complete }) => complete)), unit: 'ms', ...atScale(models, atMost(START_MS)), note: `of ${starts.map(({ complete }) => Math.round(complete)).join(', ')} ms` },
    { part: 'start', name: 'event-loop delay while it loads and reconciles, p99', models, value: median(loops.map(({ p99 }) => p99)), unit: 'ms', ...atScale(models, atMost(LOOP_MS)), note: `longest ${Math.max(...loops.map(({ longest }) => longest)).toFixed(1)} ms` },
    { part: 'start', name: 'answers while it loads and reconciles, p99', models, value: percentile(answers, 0.99), unit: 'ms', ...atScale(models, atMost(LOOP_MS)), note: `${answers.length} probes at 100 Hz, slowest ${percentile(answers, 1).toFixed(1)} ms` }
  ]
}

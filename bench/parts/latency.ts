import type { TimedClient } from '../http-client.ts'
import { percentile } from '../measurement.ts'

export interface Latency { p50: number, p99: number, source: 'server' | 'client' }

const WARM_UP = 5

/**
 * Asks for each path once and takes what the server says it needed; where it says nothing, what the client saw,
 * network included. The first few only warm up the code.
 */
export async function latencyOf (client: TimedClient, paths: readonly string[]): Promise<Latency> {
  const server: number[] = []
  const seen: number[] = []
  for (const [index, path] of paths.entries()) {
    const answer = await client.get(path)
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 200)}`)
    if (index < WARM_UP) continue
    seen.push(answer.milliseconds)
    if (answer.serverMilliseconds !== null) server.push(answer.serverMilliseconds)
  }
  const source = server.length === seen.length ? 'server' : 'client'
  const values = source === 'server' ? server : seen
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), source }
}

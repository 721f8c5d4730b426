import fp from 'fastify-plugin'
import type { Metric, Registry } from 'prom-client'
import { createResponseTimes } from './response-times.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
  interface FastifyContextConfig {
    /** A stream that stays open: its duration is no response time. */
    longLived?: boolean
  }
}

export interface Metrics {
  /** The registry with what was measured since the start. The library behind it is loaded with the first call. */
  registry (): Promise<Registry>
}

const SLOW_MS = 1000
const LOADED_AFTER_MS = 2000
const DURATIONS = { name: 'http_request_duration_seconds', help: 'Duration of requests by route' }

/** Measures every request by route, and says in the log which were slow. */
export default fp(async (app) => {
  const times = createResponseTimes()
  let registry: Promise<Registry> | null = null

  async function load (): Promise<Registry> {
    const prom = await import('prom-client')
    const made = new prom.Registry()
    prom.collectDefaultMetrics({ register: made })
    // The library's own histogram makes and hashes labels with every request; a registry asks no more of a metric than `get`.
    const durations = { ...DURATIONS, get: async () => ({ ...DURATIONS, type: 'histogram', aggregator: 'sum', values: times.values(DURATIONS.name) }) }
    made.registerMetric(durations as unknown as Metric)
    return made
  }

  const metrics: Metrics = { registry: () => { registry ??= load(); return registry } }
  app.decorate('metrics', metrics)

  app.addHook('onResponse', (request, reply, done) => {
    const { config } = request.routeOptions
    if (config.longLived !== true) {
      const { method } = request
      const { statusCode: status, elapsedTime: milliseconds } = reply
      times.note(config, method, status, milliseconds / 1000)
      if (milliseconds > SLOW_MS) request.log.info({ method, route: config.url, status, milliseconds: Math.round(milliseconds) }, 'a slow request')
    }
    done()
  })

  // Not before the first pages are out: loading the library would delay the start.
  app.addHook('onListen', async () => {
    setTimeout(() => {
      metrics.registry().catch((error: unknown) => { app.log.warn({ err: error }, 'metrics could not be loaded') })
    }, LOADED_AFTER_MS).unref()
  })
}, { name: 'metrics', fastify: '5.x' })

import fp from 'fastify-plugin'
import type { Histogram, Registry } from 'prom-client'

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

interface Sample { method: string, route: string, status: string, seconds: number }

const SLOW_MS = 1000
const LOADED_AFTER_MS = 2000
const WAITING_SAMPLES = 10_000
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Measures every request by route, and says in the log which were slow. */
export default fp(async (app) => {
  let waiting: Sample[] = []
  let histogram: Histogram | null = null
  let registry: Promise<Registry> | null = null

  async function load (): Promise<Registry> {
    const prom = await import('prom-client')
    const made = new prom.Registry()
    prom.collectDefaultMetrics({ register: made })
    histogram = new prom.Histogram({
      name: 'http_request_duration_seconds', help: 'Duration of requests by route', labelNames: ['method', 'route', 'status'], buckets: BUCKETS, registers: [made]
    })
    waiting.forEach(observe)
    waiting = []
    return made
  }

  function observe (sample: Sample): void {
    const { seconds, ...labels } = sample
    if (histogram) histogram.observe(labels, seconds)
    else if (waiting.length < WAITING_SAMPLES) waiting.push(sample)
  }

  const metrics: Metrics = { registry: () => { registry ??= load(); return registry } }
  app.decorate('metrics', metrics)

  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions: { url = 'unmatched', config } } = request
    if (config.longLived !== true) {
      const milliseconds = reply.elapsedTime
      observe({ method, route: url, status: String(reply.statusCode), seconds: milliseconds / 1000 })
      if (milliseconds > SLOW_MS) request.log.info({ method, route: url, status: reply.statusCode, milliseconds: Math.round(milliseconds) }, 'a slow request')
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

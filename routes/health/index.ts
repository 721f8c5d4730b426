import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import registerGauges from './gauges.ts'

const Status = Type.Object({ status: Type.String() })
const Readiness = Type.Object({ status: Type.String(), opened: Type.Record(Type.String(), Type.Boolean()) })
const tags = ['health']

/** Is it alive, is it ready, and how is it doing. Readable without a token, the figures aside. */
const healthRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<Core>('core')
  const config = { withoutToken: true }

  app.get('/health/live', { config, schema: { operationId: 'isAlive', tags, summary: 'The process answers', response: { 200: Status } } },
    async () => ({ status: 'ok' }))

  app.get('/health/ready', { config, schema: { operationId: 'isReady', tags, summary: 'All libraries are opened', response: { 200: Readiness, 503: Readiness } } }, async (_request, reply) => {
    const opened = Object.fromEntries(Object.values(core.models).map(({ type, opened }) => [type.prefix, opened]))
    const ready = Object.values(opened).every(Boolean)
    return await reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'starting', opened })
  })

  app.get('/api/lm/health-check', { config, schema: { operationId: 'healthCheck', tags, summary: 'The process answers', response: { 200: Status } } },
    async () => ({ status: 'ok' }))

  const gauges = registerGauges(core)
  app.get('/metrics', { schema: { operationId: 'getMetrics', tags, summary: 'Figures for Prometheus', response: { 200: { content: { 'text/plain': { schema: Type.String() } } } } } }, async (_request, reply) => {
    const registry = await app.metrics.registry()
    await gauges(registry)
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}

export default healthRoutes

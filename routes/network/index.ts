import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { createNetworkUseCases, type NetworkUseCases } from '../../use-cases/network/index.ts'
import { networkSchema } from './schemas.ts'

/** The way out to other hosts, open to view. */
const networkRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.decorate('useCases', createNetworkUseCases(app.getDecorator<Core>('core')))
  const { readNetwork } = app.getDecorator<NetworkUseCases>('useCases')

  app.get('/api/v1/network', { schema: networkSchema }, () => readNetwork())
}

export default networkRoutes

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { createStorageUseCases, type StorageUseCases } from '../../use-cases/storage/index.ts'
import { storageSchema } from './schemas.ts'

/** The room that models take, and how there could be more of it. */
const storageRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.decorate('useCases', createStorageUseCases(app.getDecorator<Core>('core'), app.log))
  const { listStorageAdvice } = app.getDecorator<StorageUseCases>('useCases')

  app.get('/api/v1/storage', { schema: storageSchema }, async (request, reply) =>
    await reply.type('application/json; charset=utf-8').send(await listStorageAdvice(request.query) as never))
}

export default storageRoutes

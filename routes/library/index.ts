import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { createLibraryUseCases, type LibraryUseCases } from '../../use-cases/library/index.ts'
import { acceptSchema, listSchema, reconcileSchema, RootSchema } from './schemas.ts'

/** The folders that hold models and recipes: their state, and what the user can say about them. */
const libraryRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addSchema(RootSchema)
  app.decorate('useCases', createLibraryUseCases(app.getDecorator<Core>('core')))
  const { listRoots, reconcileRoot, acceptRoot } = app.getDecorator<LibraryUseCases>('useCases')

  app.get('/api/v1/library/roots', { schema: listSchema }, async () => ({ items: listRoots(), next: null }))
  app.post('/api/v1/library/roots/:id/reconcile', { schema: reconcileSchema }, async (request, reply) =>
    await reply.code(202).send(reconcileRoot(request.params.id)))
  app.post('/api/v1/library/roots/:id/accept', { schema: acceptSchema }, async (request) => await acceptRoot(request.params.id))
}

export default libraryRoutes

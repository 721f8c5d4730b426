import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { createOperationUseCases, type OperationUseCases } from '../../use-cases/operations/index.ts'
import { OperationDetailSchema, OperationSchema, TrashBatchSchema, emptySchema, listSchema, oneSchema, restoreSchema, trashSchema, undoSchema } from './schemas.ts'

/** The journal and the trash as users see them. */
const operationRoutes: FastifyPluginAsyncTypebox = async (app) => {
  for (const schema of [OperationSchema, OperationDetailSchema, TrashBatchSchema]) app.addSchema(schema)
  app.decorate('useCases', createOperationUseCases(app.getDecorator<Core>('core')))
  const useCases = app.getDecorator<OperationUseCases>('useCases')

  app.get('/api/v1/operations', { schema: listSchema }, async (request) => useCases.listOperations(request.query))
  app.get('/api/v1/operations/:id', { schema: oneSchema }, async (request) => useCases.getOperation(request.params.id))
  app.post('/api/v1/operations/:id/undo', { schema: undoSchema }, async (request) => await useCases.undoOperation(request.params.id))

  app.get('/api/v1/trash', { schema: trashSchema }, async (request) => useCases.listTrash(request.query))
  app.post('/api/v1/trash/:id/restore', { schema: restoreSchema }, async (request) => await useCases.restoreFromTrash(request.params.id))
  app.delete('/api/v1/trash', { schema: emptySchema }, async (request) => {
    const { older_than_days: olderThanDays, keep_bytes: keepBytes, id } = request.query
    return { success: true as const, ...await useCases.emptyTrash({ olderThanDays, keepBytes, id }) }
  })
}

export default operationRoutes

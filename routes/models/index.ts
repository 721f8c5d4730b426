import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { ServiceNotReadyError } from '../../services/errors.ts'
import type { ModelType, ModelTypeName } from '../../services/models/types.ts'
import { createModelUseCases } from '../../use-cases/models/index.ts'
import { registerCheckpointRoutes } from './checkpoint.ts'
import { civitaiRoutes } from './civitai.ts'
import { registerEmbeddingRoutes } from './embedding.ts'
import { registerListing } from './listing.ts'
import { registerLoraRoutes } from './lora.ts'
import { registerManagement } from './management.ts'
import { registerMoves } from './moves.ts'
import { registerOrganize } from './organize.ts'
import { operationNames, type OperationNames } from './operation.ts'
import { previewChanges } from './preview-changes.ts'
import { registerQueries } from './queries.ts'
import { registerScans } from './scans.ts'
import { updateRoutes } from './updates.ts'

const typeSpecific: Record<ModelTypeName, (app: FastifyInstance, names: OperationNames) => void> = {
  lora: registerLoraRoutes,
  checkpoint: registerCheckpointRoutes,
  embedding: registerEmbeddingRoutes
}

/** The routes of one model type, registered once per row of the model-type table. */
const modelRoutes: FastifyPluginAsync<{ type: ModelType }> = async (app, { type }) => {
  const useCases = createModelUseCases(app.getDecorator<Core>('core'), type, { warn: (message, error) => { app.log.warn({ err: error }, message) } })
  app.decorate('useCases', useCases)
  app.addHook('onRequest', (_request, _reply, done) => { done(useCases.isReady() ? undefined : new ServiceNotReadyError()) })
  const names = operationNames(type)
  registerListing(app, names)
  registerQueries(app, names)
  registerScans(app, names)
  registerManagement(app, names)
  registerMoves(app, names)
  registerOrganize(app, names)
  typeSpecific[type.name](app, names)
  await app.register(previewChanges, { names })
  await app.register(civitaiRoutes, { names, type })
  await app.register(updateRoutes, { names, type })
}

export default modelRoutes
export { sharedModelRoutes } from './shared.ts'

import type { FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { createDownloadUseCases } from '../../use-cases/downloads/index.ts'
import { registerClientQueue } from './client-queue.ts'
import { registerLegacyDownloads } from './legacy.ts'
import { DownloadSchema } from './schemas.ts'
import { registerDownloadsV1 } from './v1.ts'

/** Everything that brings model files from elsewhere. */
const downloadRoutes: FastifyPluginAsync = async (app) => {
  app.decorate('useCases', createDownloadUseCases(app.getDecorator<Core>('core')))
  app.addSchema(DownloadSchema)
  registerLegacyDownloads(app)
  registerClientQueue(app)
  registerDownloadsV1(app)
}

export default downloadRoutes

import type { FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { createDownloadUseCases } from '../../use-cases/downloads/index.ts'
import { registerClientQueue } from './client-queue.ts'
import { registerHuggingFace } from './hugging-face.ts'
import { registerLegacyDownloads } from './legacy.ts'
import { DownloadSchema } from './schemas.ts'
import { registerDownloadsV1 } from './v1.ts'

/** Everything that brings model files from elsewhere. */
const downloadRoutes: FastifyPluginAsync = async (app) => {
  const useCases = createDownloadUseCases(app.getDecorator<Core>('core'))
  app.decorate('useCases', useCases)
  // Requests that wait for the end of a download would hold up the end of the server.
  app.addHook('preClose', async () => { useCases.letGo() })
  app.addSchema(DownloadSchema)
  registerLegacyDownloads(app)
  registerHuggingFace(app)
  registerClientQueue(app)
  registerDownloadsV1(app)
}

export default downloadRoutes

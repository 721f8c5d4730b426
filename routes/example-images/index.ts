import type { FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { createExampleImageUseCases } from '../../use-cases/example-images/index.ts'
import { registerDeleted } from './deleted.ts'
import { registerDownloads } from './downloads.ts'
import { registerFiles } from './files.ts'
import { importRoutes } from './imports.ts'
import { FileSchema, SnapshotSchema } from './schemas.ts'

/** Images that show what models can do: fetched, taken in, shown, tidied. */
const exampleImageRoutes: FastifyPluginAsync = async (app) => {
  const useCases = createExampleImageUseCases(app.getDecorator<Core>('core'), { warn: (message, error) => { app.log.warn({ err: error }, message) } })
  app.decorate('useCases', useCases)
  app.addHook('onReady', async () => { useCases.recover() })
  // Requests that wait for the end of a run would hold up the end of the server.
  app.addHook('preClose', async () => { useCases.letGo() })
  app.addHook('onClose', async () => { useCases.close() })
  app.addSchema(SnapshotSchema)
  app.addSchema(FileSchema)
  registerDownloads(app)
  registerFiles(app)
  registerDeleted(app)
  await app.register(importRoutes)
}

export default exampleImageRoutes

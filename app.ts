import fp from 'fastify-plugin'
import type { StartOptions } from './services/core.ts'
import { modelTypes } from './services/models/types.ts'
import core from './plugins/core.ts'
import errorHandler from './plugins/error-handler.ts'
import metrics from './plugins/metrics.ts'
import openapi from './plugins/openapi.ts'
import security from './plugins/security.ts'
import serverTiming from './plugins/server-timing.ts'
import validation from './plugins/validation.ts'
import websocket from './plugins/websocket.ts'
import downloadRoutes from './routes/downloads/index.ts'
import exampleImageRoutes from './routes/example-images/index.ts'
import healthRoutes from './routes/health/index.ts'
import jobRoutes from './routes/jobs/index.ts'
import libraryRoutes from './routes/library/index.ts'
import modelRoutes, { sharedModelRoutes } from './routes/models/index.ts'
import operationRoutes from './routes/operations/index.ts'
import organizeRoutes from './routes/organize/index.ts'
import networkRoutes from './routes/network/index.ts'
import presenceRoutes from './routes/presence/index.ts'
import progressRoutes from './routes/progress/index.ts'
import recipeRoutes from './routes/recipes/index.ts'
import settingsRoutes from './routes/settings/index.ts'
import storageRoutes from './routes/storage/index.ts'
import webRoutes from './routes/web/index.ts'

/** The service as a whole: what all stacks stand on, the gate, the stacks. */
export default fp<{ start: StartOptions }>(async function app (fastify, { start }) {
  await fastify.register(errorHandler)
  await fastify.register(validation)
  await fastify.register(core, { start })
  await fastify.register(security, { host: start.host, insecure: start.insecure, allowedHosts: start.allowedHosts })
  await fastify.register(serverTiming)
  await fastify.register(metrics)
  await fastify.register(websocket)
  await fastify.register(openapi)

  await fastify.register(healthRoutes)
  await fastify.register(progressRoutes)
  await fastify.register(jobRoutes)
  await fastify.register(settingsRoutes)
  await fastify.register(libraryRoutes)
  for (const type of modelTypes) await fastify.register(modelRoutes, { type })
  await fastify.register(sharedModelRoutes)
  await fastify.register(downloadRoutes)
  await fastify.register(presenceRoutes)
  await fastify.register(recipeRoutes)
  await fastify.register(exampleImageRoutes)
  await fastify.register(organizeRoutes)
  await fastify.register(storageRoutes)
  await fastify.register(networkRoutes)
  await fastify.register(operationRoutes)
  await fastify.register(webRoutes)
}, { name: 'modelshelf', fastify: '5.x' })

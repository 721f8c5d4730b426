import type { FastifyInstance } from 'fastify'
import { registerInfo } from './info.ts'
import type { OperationNames } from './operation.ts'

/** Routes that embeddings have beside the common ones. */
export function registerEmbeddingRoutes (app: FastifyInstance, names: OperationNames): void {
  registerInfo(app, names)
}

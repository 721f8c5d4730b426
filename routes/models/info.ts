import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { OperationNames } from './operation.ts'
import { CacheEntry, answers } from './schemas.ts'

export function registerInfo (app: FastifyInstance, { tags, id, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.get<{ Params: { name: string } }>(url('info/:name'), {
    schema: {
      operationId: id('get', 'Info'),
      tags,
      summary: 'Everything the index knows of a model, unwrapped',
      params: Type.Object({ name: Type.String({ description: 'File name, or folder and file name with the slash encoded' }) }),
      response: answers(CacheEntry, 404)
    }
  }, async (request) => useCases.getModelInfo(request.params.name))
}

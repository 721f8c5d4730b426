import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ExampleImageUseCases } from '../../use-cases/example-images/index.ts'
import { answers, tags } from './schemas.ts'

const Folder = Type.Object({
  id: Type.String({ description: 'Name in `_deleted`' }),
  model_hash: Type.String(),
  files: Type.Integer(),
  size: Type.Integer({ description: 'Bytes' }),
  deleted_at: Type.String({ format: 'date-time', description: 'When something came here last' }),
  age_seconds: Type.Integer()
})
const Operation = Type.Object({ id: Type.String({ description: 'For `/api/v1/operations/{id}/undo`' }), state: Type.String() }, { additionalProperties: true })
const Restored = Type.Object({
  operation: Operation,
  restored: Type.Integer({ description: 'Files that are back' }),
  left: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }), { description: 'Files that stay, mostly since a newer one is in their place' })
})
const Purged = Type.Object({ success: Type.Literal(true), removed: Type.Integer({ description: 'Files' }), bytes: Type.Integer(), kept: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() })) })

/** What was laid aside in `_deleted`: listed, brought back, removed for good. */
export function registerDeleted (app: FastifyInstance): void {
  const useCases = app.getDecorator<ExampleImageUseCases>('useCases')

  app.get<{ Querystring: { limit?: number, after?: string } }>('/api/v1/example-images/deleted', {
    schema: {
      operationId: 'listDeletedExampleImages',
      tags,
      summary: 'Folders in `_deleted` of the active library, with age and size',
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ description: 'Clamped to 1–200' })),
        after: Type.Optional(Type.String({ description: '`next` of the page before' }))
      }),
      response: answers(Type.Object({ items: Type.Array(Folder), next: Type.Union([Type.String(), Type.Null()]) }), 400)
    }
  }, async (request) => await useCases.listDeleted(request.query))

  app.post<{ Params: { id: string } }>('/api/v1/example-images/deleted/:id/restore', {
    schema: {
      operationId: 'restoreDeletedExampleImages',
      tags,
      summary: 'Bring files back to the folder of their model; nothing is replaced, and the operation can be undone',
      params: Type.Object({ id: Type.String() }),
      response: answers(Restored, 400, 404, 409, 507)
    }
  }, async (request) => await useCases.restoreDeleted(request.params.id))

  app.delete<{ Querystring: { older_than_days?: number } }>('/api/v1/example-images/deleted', {
    schema: {
      operationId: 'purgeDeletedExampleImages',
      tags,
      summary: 'Remove folders from `_deleted` for good that nothing came into for so long',
      querystring: Type.Object({ older_than_days: Type.Optional(Type.Number({ minimum: 0, description: 'Required; 0 removes everything' })) }),
      response: answers(Purged, 400, 409)
    }
  }, async (request) => ({ success: true, ...await useCases.purgeDeleted(request.query.older_than_days) }))
}

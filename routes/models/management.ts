import type { FastifyInstance } from 'fastify'
import { Type, type TObject, type TProperties } from '@sinclair/typebox'
import type { ModelUseCases, SharedModelUseCases } from '../../use-cases/models/index.ts'
import type { OperationNames } from './operation.ts'
import { Texts, answers, success } from './schemas.ts'

/** What is missing or of the wrong type is told by the use case, in the words that clients know. */
const body = (properties: TProperties): TObject => Type.Object(properties, { additionalProperties: true })

const FilePath = Type.Optional(Type.Unknown({ description: 'Absolute path of the model as the lists give it' }))
const PathBody = body({ file_path: FilePath })
const PathsBody = body({ file_paths: Type.Optional(Type.Unknown({ description: 'Absolute paths of models' })) })
const Message = success({ message: Type.String() })
const BatchId = Type.String({ description: 'For undo-delete, within 20 seconds; later from the trash' })

const Deleted = success({ deleted_files: Texts, batch_id: Type.Union([BatchId, Type.Null()], { description: 'null: the file was gone already' }) })
const DeletedMany = success({
  status: Type.Union([Type.Literal('success'), Type.Literal('cancelled')]),
  total_deleted: Type.Integer(),
  total_attempted: Type.Integer(),
  cache_updated: Type.Boolean(),
  results: Type.Array(Type.Object({ file_path: Type.String(), success: Type.Boolean(), deleted_files: Type.Optional(Texts), error: Type.Optional(Type.String()) })),
  batch_id: Type.Optional(BatchId)
})
const Verified = success({
  verified_as_duplicates: Type.Boolean(),
  mismatched_files: Texts,
  new_hash_map: Type.Record(Type.String(), Type.String(), { description: 'Files whose hash was stored wrongly, with the right one or `error_calculating_hash`' })
})

/** What a user does to models besides moving them. */
export function registerManagement (app: FastifyInstance, names: OperationNames): void {
  registerDeletes(app, names)
  registerEdits(app, names)
}

function registerDeletes (app: FastifyInstance, { tags, id, plural, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.post<{ Body: { file_path?: unknown } }>(url('delete'), {
    schema: { operationId: id('delete'), tags, summary: `Take one of the ${plural} with its files to the trash`, body: PathBody, response: answers(Deleted, 400, 403, 404, 409, 503, 507) }
  }, async (request) => ({ success: true, ...await useCases.deleteModel(request.body) }))

  app.post<{ Body: { file_paths?: unknown } }>(url('bulk-delete'), {
    schema: { operationId: id('delete', 'InBulk'), tags, summary: `Take several ${plural} to the trash as one operation; cancel-task stops before the next`, body: PathsBody, response: answers(DeletedMany, 400, 503, 507) }
  }, async (request) => ({ success: true, ...await useCases.deleteModels(request.body) }))

  app.post<{ Body: { file_path?: unknown } }>(url('exclude'), {
    schema: { operationId: id('exclude'), tags, summary: `Take one of the ${plural} out of the lists; its files stay`, body: PathBody, response: answers(Message, 400, 404, 503) }
  }, async (request) => ({ success: true, message: await useCases.excludeModel(request.body) }))

  app.post<{ Body: { file_path?: unknown } }>(url('unexclude'), {
    schema: { operationId: id('include'), tags, summary: `Take one of the excluded ${plural} back into the lists`, body: PathBody, response: answers(Message, 400, 503) }
  }, async (request) => ({ success: true, message: await useCases.includeModel(request.body) }))
}

function registerEdits (app: FastifyInstance, { tags, id, plural, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.post<{ Body: Record<string, unknown> }>(url('save-metadata'), {
    schema: { operationId: id('save', 'Metadata'), tags, summary: `Change fields of the sidecar of one of the ${plural}: the body's members beside file_path`, body: PathBody, response: answers(success({ auto_tags: Texts }), 400, 404, 409, 503, 507) }
  }, async (request) => ({ success: true, auto_tags: await useCases.saveMetadata(request.body) }))

  app.post<{ Body: { file_path?: unknown, tags?: unknown } }>(url('add-tags'), {
    schema: { operationId: id('add', 'Tags'), tags, summary: `Give one of the ${plural} further tags`, body: body({ file_path: FilePath, tags: Type.Optional(Type.Unknown({ description: 'A list of texts' })) }), response: answers(success({ tags: Texts, auto_tags: Texts }), 400, 404, 409, 503, 507) }
  }, async (request) => ({ success: true, ...await useCases.addTags(request.body) }))

  app.post<{ Body: { file_paths?: unknown } }>(url('verify-duplicates'), {
    schema: { operationId: id('verify', 'Duplicates'), tags, summary: `Hash ${plural} anew that are said to be the same`, body: PathsBody, response: answers(Verified, 400, 503) }
  }, async (request) => ({ success: true, ...await useCases.verifyDuplicates(request.body) }))
}

/** Once for all types. */
export function registerUndoDelete (app: FastifyInstance): void {
  const useCases = app.getDecorator<SharedModelUseCases>('useCases')

  app.post<{ Body: { batch_id?: unknown } }>('/api/lm/undo-delete', {
    schema: {
      operationId: 'undoDelete',
      tags: ['models'],
      summary: 'Put back what a delete took away, all of it or nothing',
      body: body({ batch_id: Type.Optional(Type.Unknown({ description: '32 lower-case hex digits' })) }),
      response: answers(success({ restored: Texts, kind: Type.Union([Type.Literal('model'), Type.Literal('recipe')]) }), 400, 404)
    }
  }, async (request) => ({ success: true, ...await useCases.undoDelete(request.body) }))
}

import type { FastifyInstance } from 'fastify'
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { OperationNames } from './operation.ts'
import { sendJson } from './listing.ts'
import { CacheEntry, Texts, answers, success } from './schemas.ts'

const FilePath = Type.Optional(Type.String({ description: 'Absolute path of the model as the lists give it' }))
const TargetPath = Type.Optional(Type.String({ description: 'Absolute path of the folder, inside a root of the type; it is made where it is missing' }))
const DefaultPaths = Type.Optional(Type.Boolean({ description: 'Use the folder that the path template gives in the root of `target_path`' }))

const RenameBody = Type.Object({ file_path: FilePath, new_file_name: Type.Optional(Type.String({ description: 'Without extension' })) }, { additionalProperties: true })
const MoveBody = Type.Object({ file_path: FilePath, target_path: TargetPath, use_default_paths: DefaultPaths }, { additionalProperties: true })
const MoveManyBody = Type.Object({ file_paths: Type.Optional(Texts), target_path: TargetPath, use_default_paths: DefaultPaths }, { additionalProperties: true })

const Renamed = success({
  new_file_path: Type.String(),
  new_preview_path: Type.String({ description: 'Address of the preview, or ""' }),
  renamed_files: Texts,
  reload_required: Type.Boolean()
})
const Moved = success({ original_file_path: Type.String(), new_file_path: Type.String(), message: Type.Optional(Type.String()), cache_entry: Type.Optional(CacheEntry) })
const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()])
const MovedMany = success({
  message: Type.String(),
  results: Type.Array(Type.Object({
    original_file_path: Type.String(),
    new_file_path: nullable(Type.String()),
    success: Type.Boolean(),
    message: Type.String(),
    cache_entry: nullable(CacheEntry)
  })),
  success_count: Type.Integer(),
  failure_count: Type.Integer()
})

/** Models that get another name or place, with everything that belongs to them. */
export function registerMoves (app: FastifyInstance, { tags, id, plural, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.post<{ Body: Static<typeof RenameBody> }>(url('rename'), {
    schema: { operationId: id('rename'), tags, summary: `Rename one of the ${plural} with its files`, body: RenameBody, response: answers(Renamed, 400, 404, 409) }
  }, async (request) => ({ success: true, ...await useCases.renameModel(request.body) }))

  app.post<{ Body: Static<typeof MoveBody> }>(url('move_model'), {
    schema: { operationId: id('move'), tags, summary: `Move one of the ${plural} with its files to another folder`, body: MoveBody, response: answers(Moved, 400, 404, 409) }
  }, async (request) => ({ success: true, ...await useCases.moveModel(request.body) }))

  app.post<{ Body: Static<typeof MoveManyBody> }>(url('move_models_bulk'), {
    schema: { operationId: id('move', 'InBulk'), tags, summary: `Move several ${plural}, each as a whole, as one operation`, body: MoveManyBody, response: answers(MovedMany, 400) }
  }, async (request, reply) => sendJson(reply, await useCases.moveModels(request.body)))
}

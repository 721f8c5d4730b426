import { Type } from '@sinclair/typebox'

const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(schema: T) => Type.Union([schema, Type.Null()])
const time = Type.String({ format: 'date-time' })
const Changes = Type.Array(Type.Object({ from: nullable(Type.String()), to: nullable(Type.String()) }), {
  description: 'From null: a new file. To null: gone to the trash. Both the same: new content'
})
const UnitError = Type.Object({ kind: Type.String(), code: Type.String(), message: Type.String() })

const view = {
  id: Type.String({ description: '32 lower-case hex digits' }),
  kind: Type.String(),
  route: Type.String({ description: 'What asked for it' }),
  summary: Type.String({ description: 'For people' }),
  state: Type.String({ description: 'running, done, partial, failed, rolled-back, undone or interrupted' }),
  created_at: time,
  finished_at: Type.Union([time, Type.Null()]),
  units: Type.Integer(),
  files: Type.Integer(),
  changes: Changes,
  undoable: Type.Boolean(),
  undo_reason: nullable(Type.String()),
  undo_of: nullable(Type.String()),
  undone_by: nullable(Type.String())
}

export const OperationSchema = Type.Object(view, { $id: 'Operation', additionalProperties: true })
export const OperationDetailSchema = Type.Object({
  ...view,
  unit_list: Type.Array(Type.Object({ key: Type.String(), label: Type.String(), state: Type.String(), error: Type.Union([UnitError, Type.Null()]), files: Changes }))
}, { $id: 'OperationDetail', additionalProperties: true })
export const TrashBatchSchema = Type.Object({
  id: Type.String({ description: 'Id of the operation that put it there' }),
  kind: Type.String(),
  summary: Type.String(),
  trashed_at: time,
  age_seconds: Type.Number(),
  size: Type.Integer({ description: 'Bytes' }),
  items: Type.Array(Type.Object({ id: Type.String(), original_path: Type.String(), size: Type.Integer() }))
}, { $id: 'TrashBatch', additionalProperties: true })

const failure = { $ref: 'Failure#' }
const detail = { $ref: 'OperationDetail#' }
const params = Type.Object({ id: Type.String() })
const tags = ['operations']
const page = (items: object) => ({ 200: { type: 'object', properties: { items: { type: 'array', items }, next: nullable(Type.String()) }, required: ['items', 'next'] }, 400: failure, 404: failure })
const querystring = Type.Object({
  limit: Type.Optional(Type.Integer({ description: 'Clamped to 1–200' })),
  after: Type.Optional(Type.String({ description: '`next` of the page before' }))
})

export const listSchema = { operationId: 'listOperations', tags, summary: 'What was done to files, newest first', querystring, response: page({ $ref: 'Operation#' }) }

export const oneSchema = { operationId: 'getOperation', tags, summary: 'One operation with all its changes', params, response: { 200: detail, 404: failure } }

export const undoSchema = {
  operationId: 'undoOperation',
  tags,
  summary: 'Put everything back as it was; 409 with `reasons` when the world has changed since, and then nothing was touched',
  params,
  response: { 200: { type: 'object', properties: { operation: detail, undo: detail }, required: ['operation', 'undo'] }, 404: failure, 409: failure, 503: failure }
}

export const trashSchema = { operationId: 'listTrash', tags, summary: 'What is in the trash, newest batch first', querystring, response: page({ $ref: 'TrashBatch#' }) }

export const restoreSchema = {
  operationId: 'restoreFromTrash',
  tags,
  summary: 'Bring a batch, or one item, back to where it was',
  params,
  response: { 200: { type: 'object', properties: { operation: detail }, required: ['operation'] }, 404: failure, 409: failure, 503: failure }
}

export const emptySchema = {
  operationId: 'emptyTrash',
  tags,
  summary: 'Remove from the trash for good',
  querystring: Type.Object({
    older_than_days: Type.Optional(Type.Number({ minimum: 0, description: 'Only batches at least this old' })),
    keep_bytes: Type.Optional(Type.Number({ minimum: 0, description: 'Only the oldest batches, until no more than this remains' })),
    id: Type.Optional(Type.String({ description: 'Only this batch' }))
  }),
  response: {
    200: Type.Object({
      success: Type.Literal(true),
      removed: Type.Integer(),
      bytes: Type.Integer(),
      kept: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() }))
    }),
    400: failure
  }
}

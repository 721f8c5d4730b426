import { Type } from '@sinclair/typebox'

const kinds = ['duplicate', 'same-weights', 'superseded', 'unused', 'orphan'] as const
const Kind = Type.Union(kinds.map((kind) => Type.Literal(kind)), {
  description: 'duplicate: the same bytes · same-weights: the same tensors under another header · superseded: an older version of a model for the same base · unused: never used, as far as uses are counted · orphan: sidecars and previews without their model'
})
const Bytes = Type.Integer({ description: 'Bytes that would be free' })

const Finding = Type.Object({
  id: Type.String(),
  kind: Kind,
  title: Type.String(),
  bytes: Bytes,
  sure: Type.Boolean({ description: 'False where it rests on what a header or a file name claims' }),
  models: Type.Array(Type.Object({ model_type: Type.String(), file_path: Type.String(), size: Type.Integer(), keep: Type.Boolean({ description: 'The one that would stay' }) })),
  files: Type.Array(Type.Object({ path: Type.String(), size: Type.Integer() }))
}, { additionalProperties: true })

const failure = { $ref: 'Failure#' }

export const storageSchema = {
  operationId: 'listStorageAdvice',
  tags: ['storage'],
  summary: 'What could be freed; advice only, nothing is changed. Findings that free most come first',
  querystring: Type.Object({
    kind: Type.Optional(Type.String({ description: `One of ${kinds.join(', ')}` })),
    limit: Type.Optional(Type.Integer({ description: 'At most 200', default: 50 })),
    after: Type.Optional(Type.String({ description: '`next` of the former page' }))
  }),
  response: {
    200: Type.Object({
      computed_at: Type.String({ format: 'date-time' }),
      usage_known: Type.Boolean({ description: 'False while nothing counts uses; then nothing is called unused' }),
      unread_folders: Type.Integer({ description: 'Folders that could not be read' }),
      summary: Type.Array(Type.Object({ kind: Kind, items: Type.Integer(), files: Type.Integer(), bytes: Bytes }), { description: 'Per kind; one file may count to several kinds' }),
      next: Type.Union([Type.String(), Type.Null()]),
      items: Type.Array(Finding)
    }),
    400: failure,
    409: failure,
    503: failure
  }
}

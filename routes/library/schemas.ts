import { Type } from '@sinclair/typebox'

const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(schema: T) => Type.Union([schema, Type.Null()])

export const RootSchema = Type.Object({
  id: Type.String(),
  type: Type.String({ description: 'lora, checkpoint, embedding or recipe' }),
  folder_key: Type.String({ description: 'Key of the setting that names the folder' }),
  path: Type.String(),
  extra: Type.Boolean({ description: 'From extra_folder_paths' }),
  sub_type: nullable(Type.String()),
  state: Type.String({ description: 'unknown, online, offline or suspect' }),
  reason: nullable(Type.String({ description: 'Why it is not online' })),
  models: Type.Integer({ description: 'Models known below it, also while it is offline' }),
  recipes: Type.Optional(Type.Integer({ description: 'Of the recipe directory: recipes known in it' })),
  last_reconcile: nullable(Type.String({ format: 'date-time' })),
  last_duration_ms: nullable(Type.Number()),
  bytes_hashed: Type.Integer(),
  read_only: Type.Boolean()
}, { $id: 'Root', additionalProperties: true })

const failure = { $ref: 'Failure#' }
const root = { $ref: 'Root#' }
const params = Type.Object({ id: Type.String() })
const tags = ['library']

export const listSchema = {
  operationId: 'listRoots',
  tags,
  summary: 'Configured model folders and the recipe directory, with their state',
  querystring: Type.Object({}),
  response: { 200: { type: 'object', properties: { items: { type: 'array', items: root }, next: { type: 'null' } }, required: ['items', 'next'] } }
}

export const reconcileSchema = {
  operationId: 'reconcileRoot',
  tags,
  summary: 'Compare a folder with the disk again',
  params,
  response: { 202: { type: 'object', properties: { root, job: { $ref: 'Job#' } }, required: ['root', 'job'] }, 404: failure, 409: failure }
}

export const acceptSchema = {
  operationId: 'acceptRoot',
  tags,
  summary: 'Say that a suspect folder really is as it looks now; what is missing from it is forgotten',
  params,
  response: { 200: root, 404: failure, 409: failure }
}

import { Type } from '@sinclair/typebox'

const failure = { $ref: 'Failure#' }
const plan = { $ref: 'OrganizePlan#' }
const params = Type.Object({ id: Type.String() })
const nullableText = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

export const PlanSchema = Type.Object({
  id: Type.String(),
  created_at: Type.String({ format: 'date-time', description: 'ISO 8601 UTC' }),
  state: Type.Union([Type.Literal('ready'), Type.Literal('applied')]),
  job: nullableText('The job that carries it out'),
  operation: nullableText('What `/api/v1/operations/{id}/undo` takes back, once it is carried out'),
  model_type: Type.String(),
  operation_type: Type.Union([Type.Literal('all'), Type.Literal('bulk')]),
  organization_type: Type.Union([Type.Literal('flat'), Type.Literal('structured')]),
  total: Type.Integer({ description: 'Models that were looked at' }),
  moves: Type.Array(Type.Object({
    from: Type.String(),
    to: Type.String(),
    reason: Type.String(),
    size: Type.Number({ description: 'Bytes' }),
    mtime_ms: Type.Number({ description: 'Modification time in milliseconds since 1970' })
  })),
  conflicts: Type.Array(Type.Object({ from: Type.String(), to: Type.String(), reason: Type.String() })),
  untouched: Type.Array(Type.Object({ path: Type.String(), reason: Type.String() }))
}, { $id: 'OrganizePlan' })

/** The job as `/api/v1/jobs` gives it. */
const StartedJob = Type.Object({ id: Type.String(), kind: Type.String(), title: Type.String(), state: Type.String() }, { additionalProperties: true })

export const makeSchema = {
  operationId: 'makeOrganizePlan',
  tags: ['organize'],
  summary: 'Plan where models belong by the path templates; nothing is moved',
  body: Type.Object({
    model_type: Type.String({ description: '`lora`, `checkpoint` or `embedding`, or their plural' }),
    file_paths: Type.Optional(Type.Array(Type.String(), { description: 'Only these; all of the type when absent' })),
    exclusion_patterns: Type.Optional(Type.Array(Type.String(), { description: 'Shell globs of what stays; the setting when absent' }))
  }),
  response: { 200: plan, 400: failure, 503: failure }
}

export const getSchema = { operationId: 'getOrganizePlan', tags: ['organize'], summary: 'One plan', params, response: { 200: plan, 404: failure } }

export const applySchema = {
  operationId: 'applyOrganizePlan',
  tags: ['organize'],
  summary: 'Carry a plan out, as a job; 409 with `changed` when files have changed since',
  params,
  response: { 202: Type.Object({ job: StartedJob }), 404: failure, 409: failure, 503: failure }
}

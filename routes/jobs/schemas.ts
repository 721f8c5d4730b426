import { Type } from '@sinclair/typebox'

export const JobState = Type.Union(['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled'].map((state) => Type.Literal(state as 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled')))

const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(schema: T) => Type.Union([schema, Type.Null()])
const time = (description: string) => Type.String({ format: 'date-time', description })

export const JobSchema = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  title: Type.String({ description: 'For people' }),
  state: JobState,
  progress: Type.Object({
    done: Type.Number(),
    total: nullable(Type.Number()),
    unit: Type.String(),
    rate: Type.Union([Type.Number(), Type.Null()], { description: 'Units per second over the last seconds' }),
    eta_seconds: nullable(Type.Number())
  }),
  created_at: time('ISO 8601 UTC'),
  started_at: nullable(time('ISO 8601 UTC')),
  finished_at: nullable(time('ISO 8601 UTC')),
  result: Type.Unknown({ description: 'What came out, once the job has ended' }),
  error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  failures: Type.Array(Type.Object({ item: Type.String(), error: Type.String() }), { description: 'Items that failed while the job went on, at most 1,000' })
}, { $id: 'Job' })

const failure = { $ref: 'Failure#' }
const job = { $ref: 'Job#' }
const params = Type.Object({ id: Type.String() })

export const listSchema = {
  operationId: 'listJobs',
  tags: ['jobs'],
  summary: 'Jobs, newest first',
  querystring: Type.Object({
    limit: Type.Optional(Type.Integer({ description: 'Clamped to 1–200' })),
    after: Type.Optional(Type.String({ description: '`next` of the page before' })),
    state: Type.Optional(JobState)
  }),
  response: { 200: { type: 'object', properties: { items: { type: 'array', items: job }, next: nullable(Type.String()) }, required: ['items', 'next'] }, 400: failure }
}

export const oneSchema = { operationId: 'getJob', tags: ['jobs'], summary: 'One job', params, response: { 200: job, 404: failure } }

/** A change of one job: answers the job, 409 when its state does not allow it. */
export const changeSchema = (operationId: string, summary: string) =>
  ({ operationId, tags: ['jobs'], summary, params, response: { 200: job, 404: failure, 409: failure } })

export const retrySchema = {
  operationId: 'retryFailedItems',
  tags: ['jobs'],
  summary: 'Start again what failed, as a new job',
  params,
  response: { 202: { type: 'object', properties: { job }, required: ['job'] }, 404: failure, 409: failure }
}

export const pruneSchema = {
  operationId: 'pruneJobs',
  tags: ['jobs'],
  summary: 'Forget finished jobs',
  response: { 200: Type.Object({ success: Type.Literal(true), deleted: Type.Integer() }) }
}

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ExampleImageUseCases } from '../../use-cases/example-images/index.ts'
import { answers, body, documentedOnly, optional, snapshot, success, tags } from './schemas.ts'

type Body = Record<string, unknown>

const options = {
  model_types: optional('List of `lora`, `checkpoint`, `embedding`; the first two unless told. Unknown ones are left out'),
  optimize: optional('Take the smaller rendition of the content network; true unless told'),
  delay: optional('Seconds between models that other hosts were asked for, 0 to 60; 0.2 unless told')
}
const Started = success({ message: Type.String(), status: Type.Optional(snapshot) })
const Told = success({ message: Type.String() })
const Report = Type.Object({ total: Type.Integer(), processed: Type.Integer(), successful: Type.Integer(), errors: Type.Array(Type.String()), not_found: Type.Array(Type.String()) }, { additionalProperties: true })
const count = Type.Integer()
const Needed = success({ is_downloading: Type.Boolean(), total_models: count, pending_count: count, processed_count: count, failed_count: count, needs_download: Type.Boolean(), message: Type.Optional(Type.String()) })

/** The run that fetches images, and what is known of it. */
export function registerDownloads (app: FastifyInstance): void {
  const useCases = app.getDecorator<ExampleImageUseCases>('useCases')

  app.post<{ Body: Body }>('/api/lm/download-example-images', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'downloadExampleImages',
      tags,
      summary: 'Fetch the example images that models lack, as a job; one run at a time',
      body: body({ ...options, auto_mode: optional('Nothing configured is no failure then'), force: optional('Also models that failed before'), model_hashes: optional('Only these models, whatever is known of them') }),
      response: answers(Started, 400, 409, 507)
    }
  }, async (request) => ({ success: true, ...await useCases.startDownload(request.body) }))

  app.post<{ Body: Body, Querystring: { async?: string | string[] } }>('/api/lm/force-download-example-images', {
    config: { longLived: true },
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'forceDownloadExampleImages',
      tags,
      summary: 'Look at some models anew, marks cleared, and wait for the end; with `async=1` answer 202 as soon as they are counted',
      querystring: Type.Object({ async: Type.Optional(Type.String({ description: '`1`: do not wait for the end' })) }),
      body: body({ ...options, overwrite: optional('true: fetch images again that are there; the files of before go to `_deleted`'), model_hashes: optional('SHA-256 of the models; required') }),
      response: { ...answers(success({ message: Type.String(), result: Report }), 400, 409, 507), 202: Started }
    }
  }, async (request, reply) => {
    if ([request.query.async].flat()[0] !== '1') return { success: true, ...await useCases.forceDownload(request.body) }
    return await reply.code(202).send({ success: true, ...await useCases.beginForceDownload(request.body) })
  })

  app.get<{ Querystring: { details?: string | string[] } }>('/api/lm/example-images-status', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'getExampleImagesStatus',
      tags,
      summary: 'The snapshot of the run, or of the last one; the same that frames carry',
      querystring: Type.Object({ details: Type.Optional(Type.String({ description: '`1`: lists of hashes in full' })) }),
      response: answers(success({ is_downloading: Type.Boolean(), status: snapshot }))
    }
  }, async (request) => ({ success: true, ...useCases.getStatus({ details: [request.query.details].flat()[0] === '1' }) }))

  const controls = [
    ['pause', 'Stop after the image at hand', useCases.pauseDownload],
    ['resume', 'Go on with a paused run', useCases.resumeDownload],
    ['stop', 'End the run within a second; what is complete stays', useCases.stopDownload]
  ] as const
  for (const [verb, summary, run] of controls) {
    app.post(`/api/lm/${verb}-example-images`, {
      validatorCompiler: documentedOnly,
      schema: { operationId: `${verb}ExampleImages`, tags, summary, response: answers(Told, 400) }
    }, async () => ({ success: true, ...run() }))
  }

  app.post<{ Body: Body }>('/api/lm/check-example-images-needed', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'checkExampleImagesNeeded',
      tags,
      summary: 'How many models have no example images and were never tried',
      body: body({ model_types: optional('List of types; all unless told') }),
      response: answers(Needed, 400)
    }
  }, async (request) => ({ success: true, ...await useCases.checkNeeded(request.body) }))
}

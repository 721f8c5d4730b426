import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { MissingReport, open, tags } from './import-schemas.ts'
import { documentedOnly, query } from './schemas.ts'

const failure = { $ref: 'Failure#' }
const choice = {
  recipe_ids: Type.Optional(Type.Array(Type.String(), { description: 'Only what these recipes lack' })),
  keys: Type.Optional(Type.Array(Type.String(), { description: 'Only these parts, by the keys of the list' }))
}

/** What recipes lack, and a way to have it. */
export function registerMissing (app: FastifyInstance): void {
  const useCases = app.getDecorator<ImportUseCases>('useCases')

  app.get<{ Querystring: { recipe_ids?: string, limit?: number, after?: string } }>('/api/v1/recipes/missing', {
    schema: {
      operationId: 'listMissingParts',
      tags,
      summary: 'Models that recipes name and the library lacks, what completes the most recipes first: where each can be had, its size, owned versions of the same model',
      querystring: Type.Object({
        recipe_ids: Type.Optional(Type.String({ description: 'Separated by commas; all recipes without it' })),
        limit: Type.Optional(Type.Integer({ description: 'Clamped to 1–200' })),
        after: query.text('`next` of the page before')
      }),
      response: { 200: MissingReport, 400: failure, 404: failure, 503: failure }
    }
  }, async (request) => await useCases.missing.list({ ...request.query, recipeIds: request.query.recipe_ids?.split(',').filter(Boolean) }))

  for (const url of ['/api/v1/recipes/missing', '/api/v1/recipes/missing/download']) {
    app.post<{ Body: Record<string, unknown> }>(url, {
      validatorCompiler: documentedOnly,
      schema: {
        operationId: url.endsWith('download') ? 'downloadMissingParts' : 'queueMissingParts',
        tags,
        summary: 'Put what is missing and can be had into the queue of downloads',
        body: open(choice),
        response: {
          202: open({ downloads: Type.Array(open({ id: Type.String(), title: Type.String(), state: Type.String() })), skipped: Type.Array(open({ key: Type.String(), reason: Type.String() })) }),
          400: failure,
          404: failure,
          503: failure
        }
      }
    }, async (request, reply) => await reply.code(202).send(await useCases.missing.download(request.body)))
  }
}

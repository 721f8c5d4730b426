import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { Core } from '../../services/core.ts'
import { createSharedModelUseCases, type SharedModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import { detailRoutes } from './details.ts'
import { registerUndoDelete } from './management.ts'
import { registerPreviews } from './previews.ts'
import { Texts, answers, documentedOnly, filePathParameter, parameters, query, success } from './schemas.ts'

type Query = { Querystring: RawQuery }

const BaseModelList = Type.Object({
  models: Texts,
  source: Type.Union([Type.Literal('cache'), Type.Literal('api'), Type.Literal('fallback')]),
  last_updated: Type.Union([Type.String(), Type.Null()]),
  hardcoded_count: Type.Integer(),
  remote_count: Type.Integer(),
  merged_count: Type.Integer()
})
const CacheStatus = Type.Object({
  has_cache: Type.Boolean(),
  last_updated: Type.Union([Type.String(), Type.Null()]),
  is_expired: Type.Boolean(),
  ttl_seconds: Type.Integer(),
  age_seconds: Type.Union([Type.Integer(), Type.Null()])
})

function registerBaseModels (app: FastifyInstance): void {
  const useCases = app.getDecorator<SharedModelUseCases>('useCases')
  const tags = ['base-models']

  app.get<Query>('/api/lm/base-models', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listBaseModels', tags, summary: 'Known base models, built in and fetched', querystring: parameters({ refresh: query.flag('Fetch them now') }), response: answers(success({ data: BaseModelList })) }
  }, async (request) => ({ success: true, data: await useCases.listKnownBaseModels(request.query.refresh) }))

  app.post('/api/lm/base-models/refresh', {
    schema: { operationId: 'refreshBaseModels', tags, summary: 'Fetch the base models now', response: answers(success({ data: BaseModelList, message: Type.String() })) }
  }, async () => ({ success: true, ...await useCases.refreshKnownBaseModels() }))

  app.get('/api/lm/base-models/categories', {
    schema: { operationId: 'listBaseModelCategories', tags, summary: 'Base models in groups', response: answers(success({ data: Type.Record(Type.String(), Texts) })) }
  }, async () => ({ success: true, data: await useCases.listBaseModelCategories() }))

  app.get('/api/lm/base-models/cache-status', {
    schema: { operationId: 'getBaseModelCacheStatus', tags, summary: 'Age of the fetched base models', response: answers(success({ data: CacheStatus })) }
  }, async () => ({ success: true, data: await useCases.getBaseModelCacheStatus() }))
}

function registerCompanions (app: FastifyInstance): void {
  const useCases = app.getDecorator<SharedModelUseCases>('useCases')
  const tags = ['models']

  app.get<Query>('/api/lm/init-status', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'getInitStatus',
      tags,
      summary: 'How far the first scan is',
      querystring: parameters({ pageType: query.text('`loras`, `checkpoints` or `embeddings`; all of them when absent') }),
      response: answers(success({ status: Type.String(), stage: Type.String(), progress: Type.Number(), details: Type.String(), pageType: Type.Optional(Type.String()) }))
    }
  }, async (request) => ({ success: true, ...useCases.getInitStatus(request.query) }))

  app.get<Query>('/api/lm/trained-words', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'getTrainedWords',
      tags,
      summary: 'Tags that a model was trained with, from the header of its file',
      querystring: filePathParameter,
      response: answers(success({ trained_words: Type.Array(Type.Array(Type.Union([Type.String(), Type.Number()]))), class_tokens: Type.Union([Type.String(), Type.Null()]) }), 400, 404)
    }
  }, async (request) => ({ success: true, ...await useCases.getTrainedWords(request.query) }))

  app.get<Query>('/api/lm/model-example-files', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'listModelExampleFiles',
      tags,
      summary: 'Example files beside a model',
      querystring: parameters({ model_path: Type.String({ description: 'Absolute path of the model' }) }),
      response: answers(success({ files: Type.Array(Type.Object({ name: Type.String(), path: Type.String(), extension: Type.String(), is_video: Type.Boolean() })) }), 400, 404)
    }
  }, async (request) => ({ success: true, files: await useCases.getExampleFiles(request.query) }))
}

/** Routes of models that have no type in their address; registered once. */
export const sharedModelRoutes: FastifyPluginAsync = async (app) => {
  app.decorate('useCases', createSharedModelUseCases(app.getDecorator<Core>('core'), { warn: (message, error) => { app.log.warn({ err: error }, message) } }))
  registerPreviews(app)
  registerUndoDelete(app)
  registerCompanions(app)
  registerBaseModels(app)
  await app.register(detailRoutes)
}

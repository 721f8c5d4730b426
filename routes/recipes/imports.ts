import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { RemoteImportQuery } from '../../use-cases/recipes/import-remote.ts'
import type { ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { SaveResult, UrlImport, open, tags } from './import-schemas.ts'
import { IdParams, answers, body, documentedOnly, query, success } from './schemas.ts'

/** Recipes made of images elsewhere. Extensions of browsers call two of these with GET. */
export function registerImports (app: FastifyInstance): void {
  const useCases = app.getDecorator<ImportUseCases>('useCases')
  const changing = { config: { changesState: true }, validatorCompiler: documentedOnly, exposeHeadRoute: true }

  app.get<{ Querystring: RemoteImportQuery }>('/api/lm/recipes/import-remote', {
    ...changing,
    schema: {
      operationId: 'importRemoteRecipe',
      tags,
      summary: 'Import an image with the resources that an extension read on its page',
      querystring: open({
        image_url: query.text('Of the image, or of its page on CivitAI'),
        name: query.text('Title of the recipe'),
        resources: query.text('JSON array of `{type, modelId, modelVersionId, modelName, modelVersionName, weight}`'),
        gen_params: query.text('JSON object'),
        tags: query.text('Separated by commas'),
        base_model: query.text('Base model'),
        source_path: query.text('Where it came from; image_url by default')
      }),
      response: answers(SaveResult, 400)
    }
  }, async (request, reply) => await reply.header('cache-control', 'no-store').send({ success: true, ...await useCases.importRemote(request.query) }))

  app.get<{ Querystring: { image_url?: string | string[], force?: string | string[] } }>('/api/lm/recipes/import-from-url', {
    ...changing,
    schema: {
      operationId: 'importRecipeFromUrl',
      tags,
      summary: 'Import the image of a page of CivitAI, unless it was imported before',
      querystring: open({ image_url: query.text('Address of the page'), force: query.text('`true`: also when it was imported before') }),
      response: answers(UrlImport, 400)
    }
  }, async (request, reply) => await reply.header('cache-control', 'no-store').send({ success: true, ...await useCases.importFromUrl(request.query) }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/create-from-example', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'createRecipeFromExample',
      tags,
      summary: 'Make a recipe of an example image of a model',
      body: body({
        image_data: '`{meta, url, nsfwLevel?, id?}`',
        model_hash: 'Of the model whose example it is',
        model_name: 'Its name',
        model_type: '`loras`, `checkpoints`, …',
        local_image_path: 'The image, where it was downloaded'
      }),
      response: answers(SaveResult, 400)
    }
  }, async (request) => ({ success: true, ...await useCases.createFromExample(request.body) }))

  app.post<{ Params: { id: string } }>('/api/lm/recipe/:id/reimport', {
    schema: {
      operationId: 'reimportRecipe',
      tags,
      summary: 'Import a recipe anew from where it came; id, title, tags and favourite stay, and nothing is replaced by less',
      params: IdParams,
      response: answers(success({ old_recipe_id: Type.String(), recipe_id: Type.String(), source_path: Type.String() }), 400, 404, 409)
    }
  }, async (request) => ({ success: true, ...await useCases.reimportRecipe(request.params.id) }))
}

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { RecipeUseCases } from '../../use-cases/recipes/index.ts'
import type { RawQuery } from '../../use-cases/recipes/parse-recipe-query.ts'
import { IdParams, answers, documentedOnly, query, success } from './schemas.ts'

const tags = ['recipes']
const File = { description: 'The file, as an attachment', content: { '*/*': { schema: { type: 'string', format: 'binary' } } } }

type WithId = { Params: { id: string } }

/** Recipes on their way out: as files for others, as workflows for ComfyUI. */
export function registerSharing (app: FastifyInstance): void {
  const useCases = app.getDecorator<RecipeUseCases>('useCases')

  app.get<WithId>('/api/lm/recipe/:id/share', {
    exposeHeadRoute: false,
    schema: { operationId: 'shareRecipe', tags, summary: 'Make the image of a recipe, with the recipe inside, ready for a download within five minutes', params: IdParams, response: answers(success({ download_url: Type.String(), filename: Type.String() }), 404) }
  }, async (request, reply) => reply.header('cache-control', 'no-store').send({ success: true, ...await useCases.shareRecipe(request.params.id) }))

  app.get<WithId & { Querystring: RawQuery }>('/api/lm/recipe/:id/share/download', {
    exposeHeadRoute: false,
    validatorCompiler: documentedOnly,
    schema: { operationId: 'downloadSharedRecipe', tags, summary: 'The shared file', params: IdParams, querystring: Type.Object({ format: query.text('`json`: the document instead, since videos carry none'), t: query.text('Any text; tells one share from the next') }), response: answers(File, 404) }
  }, async (request, reply) => {
    const { headers, body } = await useCases.downloadShared(request.params.id, request.query)
    return reply.headers(headers).send(body)
  })

  app.post<WithId>('/api/lm/recipe/:id/send-workflow', {
    schema: { operationId: 'sendRecipeWorkflow', tags, summary: 'Open the workflow of a recipe in the ComfyUI that the settings name', params: IdParams, response: answers(success({ sent: Type.Literal(true) }), 400, 404, 502) }
  }, async (request) => ({ success: true, ...await useCases.sendWorkflow(request.params.id) }))
}

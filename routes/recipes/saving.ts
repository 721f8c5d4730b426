import multipart from '@fastify/multipart'
import type { FastifyPluginAsync } from 'fastify'
import { InvalidInputError } from '../../services/errors.ts'
import type { ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { formOptions, formParts } from './form-parts.ts'
import { SaveResult, WidgetResult, tags } from './import-schemas.ts'
import { answers } from './schemas.ts'

const WIDGET_BYTES = 128 * 1024 * 1024

/** A scope of its own: only here recipes are uploaded. */
export const savingRoutes: FastifyPluginAsync = async (app) => {
  await app.register(multipart, formOptions)
  const useCases = app.getDecorator<ImportUseCases>('useCases')

  app.post('/api/lm/recipes/save', {
    schema: {
      operationId: 'saveRecipe',
      tags,
      summary: 'Save a recipe: multipart with `name`, `metadata` (JSON) and the image as `image`, `image_base64` or `image_url`; optionally `tags` (JSON) and `extension`',
      consumes: ['multipart/form-data'],
      response: answers(SaveResult, 400, 409, 413, 507)
    }
  }, async (request) => {
    if (!request.isMultipart()) throw new InvalidInputError('Expected a multipart form')
    return { success: true, ...await useCases.saveRecipe(formParts(request)) }
  })

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/save-from-widget', {
    bodyLimit: WIDGET_BYTES,
    schema: {
      operationId: 'saveRecipeFromWidget',
      tags,
      summary: 'Save the last generation that a node of ComfyUI sends: `metadata` and `image` (base64 in JSON, or a file of a form)',
      consumes: ['application/json', 'multipart/form-data'],
      response: answers(WidgetResult, 400, 409, 413, 507)
    }
  }, async (request) => ({ success: true, ...await useCases.saveFromWidget(request.isMultipart() ? formParts(request) : request.body) }))
}

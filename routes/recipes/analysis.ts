import multipart from '@fastify/multipart'
import type { FastifyPluginAsync } from 'fastify'
import { DomainError } from '../../services/errors.ts'
import type { ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { formOptions, formParts } from './form-parts.ts'
import { Analysis, tags } from './import-schemas.ts'
import { answers, body, documentedOnly } from './schemas.ts'

/** A scope of its own: only here uploads are read, and other types are refused as the clients of this route know it. */
export const analysisRoutes: FastifyPluginAsync = async (app) => {
  await app.register(multipart, formOptions)
  const useCases = app.getDecorator<ImportUseCases>('useCases')
  app.removeContentTypeParser('*')
  app.addContentTypeParser('*', (_request, _payload, done) => { done(new DomainError('invalid', 'content-type', 'Unsupported content type: send a form or JSON', { loras: [] })) })

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/analyze-image', {
    schema: {
      operationId: 'analyzeImage',
      tags,
      summary: 'What an image tells of its making: an upload as `image` of a multipart form, or JSON with the `url` of an image or of its page on CivitAI',
      consumes: ['multipart/form-data', 'application/json'],
      response: answers(Analysis, 400, 404, 413)
    }
  }, async (request) => request.isMultipart() ? await useCases.analyzeUpload(formParts(request)) : await useCases.analyzeUrl(request.body.url))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/analyze-local-image', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'analyzeLocalImage',
      tags,
      summary: 'What an image or video on the machine of the server tells of its making',
      body: body({ path: 'Absolute path; `~` is the home of whoever runs the server' }),
      response: answers(Analysis, 400, 403, 404)
    }
  }, async (request) => await useCases.analyzeLocalImage(request.body.path))
}

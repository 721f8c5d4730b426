import multipart from '@fastify/multipart'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ImportPart } from '../../use-cases/example-images/import-images.ts'
import type { ExampleImageUseCases } from '../../use-cases/example-images/index.ts'
import { answers, body, documentedOnly, files, gallery, optional, success, tags } from './schemas.ts'

const limits = { fileSize: 1024 ** 3, files: 1000, fields: 10, parts: 1010, fieldSize: 64 * 1024, fieldNameSize: 200, headerPairs: 50 }

const Imported = Type.Object({ success: Type.Boolean({ description: 'At least one file was taken in' }), message: Type.String(), error: Type.Optional(Type.String()), files, errors: Type.Array(Type.String()), ...gallery }, { additionalProperties: true })

/** Parts one after the other, as the use case takes them. */
async function * partsOf (request: FastifyRequest): AsyncGenerator<ImportPart> {
  for await (const part of request.parts()) {
    if (part.type === 'field') yield { name: part.fieldname, value: part.value }
    else yield { name: part.fieldname, fileName: part.filename, content: part.file }
  }
}

/** A scope of its own: only here uploads are read. */
export const importRoutes: FastifyPluginAsync = async (app) => {
  await app.register(multipart, { limits })
  const useCases = app.getDecorator<ExampleImageUseCases>('useCases')

  app.post<{ Body: Record<string, unknown> }>('/api/lm/import-example-images', {
    config: { longLived: true },
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'importExampleImages',
      tags,
      summary: 'Take in one\'s own images: multipart with `model_hash` and `files`, each of at most 1 GB, or JSON with `file_paths` inside model, recipe or example folders',
      consumes: ['multipart/form-data', 'application/json'],
      response: answers(Imported, 400, 404, 409, 413, 507)
    }
  }, async (request) => request.isMultipart() ? await useCases.importUpload(partsOf(request)) : await useCases.importPaths(request.body))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/delete-example-image', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'deleteExampleImage',
      tags,
      summary: 'Take one\'s own image away from a model; its file goes to `_deleted`, and the operation can be undone',
      body: body({ model_hash: optional('SHA-256 of the model'), short_id: optional('`id` of the custom image') }),
      response: answers(success(gallery), 400, 404, 409, 507)
    }
  }, async (request) => ({ success: true, ...await useCases.deleteImage(request.body) }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/example-images/set-nsfw-level', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'rateExampleImage',
      tags,
      summary: 'Rate one example image of a model',
      body: body({
        model_hash: optional('SHA-256 of the model'),
        nsfw_level: optional('0, 1, 2, 4, 8, 16 or 32'),
        source: optional('`civitai` (unless told) or `custom`'),
        index: optional('Place in `regular_images`'),
        url: optional('Address of a regular image; goes before `index`'),
        id: optional('`id` of a custom image')
      }),
      response: answers(success({ ...gallery, nsfw_level: Type.Integer() }), 400, 404, 409, 507)
    }
  }, async (request) => ({ success: true, ...await useCases.rateImage(request.body) }))
}

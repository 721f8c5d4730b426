import multipart from '@fastify/multipart'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import { InvalidInputError } from '../../services/errors.ts'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { UploadPart } from '../../use-cases/models/replace-preview.ts'
import type { OperationNames } from './operation.ts'
import { answers, success } from './schemas.ts'

const MEGABYTE = 1024 * 1024
const limits = { fileSize: 100 * MEGABYTE, files: 1, fields: 10, parts: 12, fieldSize: 64 * 1024, fieldNameSize: 200, headerPairs: 50 }

const Outcome = success({ preview_url: Type.String({ description: 'Usable in <img> and <video>' }), preview_nsfw_level: Type.Integer() })

/** Parts one after the other, as the use case takes them. */
async function * partsOf (request: FastifyRequest): AsyncGenerator<UploadPart> {
  if (!request.isMultipart()) throw new InvalidInputError('Expected a multipart form')
  for await (const part of request.parts()) {
    if (part.type === 'field') yield { name: part.fieldname, value: part.value }
    else yield { name: part.fieldname, content: part.file }
  }
}

/** A scope of its own: only here uploads are read. */
export const previewChanges: FastifyPluginAsync<{ names: OperationNames }> = async (app, { names: { tags, id, url } }) => {
  await app.register(multipart, { limits })
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.post(url('replace-preview'), {
    schema: {
      operationId: id('replace', 'Preview'),
      tags,
      summary: 'Give a model another preview: multipart with `preview_file`, `model_path` and optionally `nsfw_level`, in any order. Images become WebP of at most 480 pixels width, GIF and video stay as they are; former previews go to the trash',
      consumes: ['multipart/form-data'],
      response: answers(Outcome, 400, 403, 404, 409, 413, 507)
    }
  }, async (request) => ({ success: true, ...await useCases.replacePreview(partsOf(request)) }))

  app.post<{ Body: Record<string, unknown> }>(url('set-preview-from-url'), {
    schema: {
      operationId: id('set', 'PreviewFromUrl'),
      tags,
      summary: 'Give a model a preview from the web, of at most 50 MB; only addresses of the public internet are fetched from',
      body: Type.Object({
        model_path: Type.Optional(Type.String()),
        image_url: Type.Optional(Type.String()),
        nsfw_level: Type.Optional(Type.Unknown({ description: 'Anything but a whole number is 0' }))
      }, { additionalProperties: true }),
      response: answers(Outcome, 400, 403, 404, 409, 502, 507)
    }
  }, async (request) => ({ success: true, ...await useCases.setPreviewFromUrl(request.body) }))
}

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ExampleImageUseCases } from '../../use-cases/example-images/index.ts'
import { answers, body, documentedOnly, files, optional, success, tags } from './schemas.ts'

interface HashQuery { model_hash?: string | string[] }

const querystring = Type.Object({ model_hash: Type.Optional(Type.String({ description: 'SHA-256 of the model' })) })
const count = Type.Integer()
const names = Type.Array(Type.String())
const Opened = success({ path: Type.String(), message: Type.Optional(Type.String()), mode: Type.Optional(Type.String({ description: '`clipboard` or `uri`; absent when it was opened on this machine' })), relative_path: Type.Optional(Type.String()), uri: Type.Optional(Type.String()) })
const CleanedUp = Type.Object({
  success: Type.Boolean(),
  partial_success: Type.Boolean(),
  checked_folders: count,
  moved_empty_folders: Type.Integer({ description: 'Removed for good, they held nothing' }),
  moved_orphaned_folders: count,
  moved_total: count,
  skipped_non_hash: count,
  move_failures: count,
  errors: names,
  deleted_root: Type.Union([Type.String(), Type.Null()], { description: 'Below the folder of example images' }),
  deleted_roots: names,
  dry_run: Type.Boolean(),
  orphaned_folders: names,
  empty_folders: names,
  operations: Type.Array(Type.String(), { description: 'For `/api/v1/operations/{id}/undo`' })
}, { additionalProperties: true })
const first = (value: string | string[] | undefined): string | undefined => [value].flat()[0]
const content = { 'image/*': { schema: { type: 'string', format: 'binary' } }, 'video/*': { schema: { type: 'string', format: 'binary' } } }

/** What lies in the folders: listed, shown, opened, tidied. */
export function registerFiles (app: FastifyInstance): void {
  const useCases = app.getDecorator<ExampleImageUseCases>('useCases')

  app.get<{ Querystring: HashQuery }>('/api/lm/example-image-files', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listExampleImageFiles', tags, summary: 'Example images of a model; 404 with an empty list when there are none', querystring, response: answers(success({ files }), 400, 404) }
  }, async (request) => ({ success: true, files: await useCases.listFiles(first(request.query.model_hash)) }))

  app.get<{ Querystring: HashQuery }>('/api/lm/has-example-images', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'hasExampleImages', tags, summary: 'Whether a model has any', querystring, response: answers(success({ has_images: Type.Boolean(), error: Type.Optional(Type.String()) }), 400) }
  }, async (request) => ({ success: true, ...await useCases.hasFiles(first(request.query.model_hash)) }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/open-example-images-folder', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'openExampleImagesFolder', tags, summary: 'Show the folder of a model: on this machine for callers on it, else a path or address to use', body: body({ model_hash: optional('SHA-256 of the model') }), response: answers(Opened, 400, 404) }
  }, async (request) => ({ success: true, ...await useCases.openFolder(request.body, request.socket.remoteAddress ?? '') }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/cleanup-example-image-folders', {
    config: { longLived: true },
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'cleanUpExampleImageFolders',
      tags,
      summary: 'Move folders of models that are gone to `_deleted`, remove empty ones; of the active library only',
      body: body({ dry_run: optional('true: only tell'), confirm: optional('true: also when it is more than half of all folders') }),
      response: answers(CleanedUp, 400, 409)
    }
  }, async (request) => await useCases.cleanUpFolders(request.body))

  app.get<{ Params: { '*': string } }>('/example_images_static/*', {
    schema: {
      operationId: 'getExampleImage',
      tags,
      summary: 'An example image or video; ranges and conditional requests are honoured',
      response: { 200: { description: 'The file', content }, 206: { description: 'The part asked for', content }, 304: { description: 'Unchanged', type: 'null' }, 404: { description: 'There is no such file', content: { 'text/plain': { schema: { type: 'string' } } } } }
    }
  }, async (request, reply) => {
    const { headers, method, params, url } = request
    const answer = await useCases.serveFile({ path: params['*'], url, headOnly: method === 'HEAD', range: headers.range, ifRange: headers['if-range'] as string | undefined, ifNoneMatch: headers['if-none-match'], ifModifiedSince: headers['if-modified-since'] })
    return reply.code(answer.status).headers(answer.headers).send(answer.body ?? undefined)
  })
}

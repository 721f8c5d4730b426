import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { BatchProgress, Listing, Message, open, tags } from './import-schemas.ts'
import { answers, body, documentedOnly, query, success } from './schemas.ts'

const Started = success({ operation_id: Type.String() })
const options = {
  tags: Type.Optional(Type.Array(Type.String(), { description: 'Given to every recipe' })),
  skip_no_metadata: Type.Optional(Type.Boolean({ description: 'Pass over images that tell nothing or name no LoRA' })),
  skip_duplicates: Type.Optional(Type.Boolean({ description: 'Pass over what was imported from the same place before' }))
}

/** Many images in one go, a job that clients follow by polling or socket. */
export function registerBatchImport (app: FastifyInstance): void {
  const useCases = app.getDecorator<ImportUseCases>('useCases')

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/batch-import/start', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'startRecipeBatch',
      tags,
      summary: 'Import images from addresses and paths',
      body: open({ items: Type.Optional(Type.Array(open({ source: query.text('Address or absolute path'), type: query.text('`url` (default) or `local_path`') }))), ...options }),
      response: answers(Started, 400, 409)
    }
  }, async (request) => ({ success: true, operation_id: useCases.startBatchImport(request.body) }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/batch-import/directory', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'startRecipeFolderImport',
      tags,
      summary: 'Import the images of a folder on the machine of the server',
      body: open({ directory: query.text('Absolute path'), recursive: Type.Optional(Type.Boolean({ description: 'Sub-folders too (default)' })), ...options }),
      response: answers(Started, 400, 403, 409)
    }
  }, async (request) => ({ success: true, operation_id: await useCases.startDirectoryImport(request.body) }))

  app.get<{ Querystring: { operation_id?: string | string[] } }>('/api/lm/recipes/batch-import/progress', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'getRecipeBatchProgress',
      tags,
      summary: 'How far a batch is',
      querystring: open({ operation_id: query.text('As answered at its start') }),
      response: answers(success({ progress: BatchProgress }), 400, 404)
    }
  }, async (request) => ({ success: true, progress: useCases.getBatchProgress([request.query.operation_id].flat()[0]) }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/batch-import/cancel', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'cancelRecipeBatch',
      tags,
      summary: 'Stop a batch; what was imported stays',
      body: body({ operation_id: 'As answered at its start' }),
      response: answers(Message, 400, 404)
    }
  }, async (request) => {
    useCases.cancelBatchImport(request.body.operation_id)
    return { success: true, message: 'Import is being cancelled' }
  })

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/browse-directory', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'browseDirectory',
      tags,
      summary: 'Folders and images of a folder on the machine of the server',
      body: body({ path: 'Absolute path; `~` is the home of whoever runs the server' }),
      response: answers(Listing, 400, 403, 404)
    }
  }, async (request) => ({ success: true, ...await useCases.browseDirectory(request.body.path) }))
}

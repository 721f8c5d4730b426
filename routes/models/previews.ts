import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { SharedModelUseCases } from '../../use-cases/models/index.ts'
import type { PreviewAnswer } from '../../services/models/preview-serving.ts'
import { answers, documentedOnly, parameters } from './schemas.ts'

const send = (reply: FastifyReply, { status, headers, body }: PreviewAnswer): FastifyReply => reply.code(status).headers(headers).send(body ?? undefined)

export function registerPreviews (app: FastifyInstance): void {
  const useCases = app.getDecorator<SharedModelUseCases>('useCases')
  const bytes = { schema: { type: 'string', format: 'binary' } }
  const content = { 'image/*': bytes, 'video/*': bytes }
  const response = {
    ...answers(Type.Unknown(), 400, 403, 404, 416),
    200: { description: 'The file', content },
    206: { description: 'The part asked for', content },
    304: { description: 'Unchanged', type: 'null' }
  }

  app.get<{ Querystring: { path?: string | string[] } }>('/api/lm/previews', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'getPreview',
      tags: ['previews'],
      summary: 'A media file of the library; ranges and conditional requests are honoured',
      querystring: parameters({ path: Type.String({ description: 'Absolute path of the file' }) }),
      response
    }
  }, (request, reply) => {
    const { headers, method, query } = request
    const answer = useCases.servePreview({
      path: Array.isArray(query.path) ? query.path[0] : query.path,
      headOnly: method === 'HEAD',
      range: headers.range,
      ifRange: headers['if-range'] as string | undefined,
      ifNoneMatch: headers['if-none-match'],
      ifModifiedSince: headers['if-modified-since']
    })
    return answer instanceof Promise ? answer.then((late) => send(reply, late)) : send(reply, answer)
  })
}

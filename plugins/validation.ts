import fp from 'fastify-plugin'
import { errorCodes, type FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import { InvalidInputError } from '../services/errors.ts'
import { buildSerializer, buildValidator } from './schema-compilers.ts'

/** Shape of every failure; routes refer to it as `Type.Ref('Failure')` or `{ $ref: 'Failure#' }`. */
export const Failure = Type.Object({
  success: Type.Literal(false),
  error: Type.String({ description: 'For people; a few texts are literals that clients test for' }),
  code: Type.String({ description: 'For programs; stable' })
}, { $id: 'Failure', additionalProperties: true, description: 'Every failure has this shape; some carry further fields' })

type Done = (error: Error | null, body?: unknown) => void

export default fp(async (app) => {
  app.setSchemaController({ compilersFactory: { buildValidator, buildSerializer } })
  app.addSchema(Failure)
  app.removeAllContentTypeParsers()

  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    readJson(request, text, parse as never, done as Done)
  })
  app.addContentTypeParser('*', (request, payload, done) => { refuseContent(request, payload, done as Done) })

  // Absent bodies are read as `{}`, so that a route sees an object whatever the client sent. Uploads read their own body.
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.body == null && hasBody(request.method) && !isMultipart(request)) request.body = {}
    done()
  })
}, { name: 'validation', fastify: '5.x' })

function hasBody (method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE'
}

function isMultipart ({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.toLowerCase().startsWith('multipart/') === true
}

function readJson (request: FastifyRequest, text: string, parse: (request: FastifyRequest, text: string, done: Done) => void, done: Done): void {
  // An unknown path is answered as such, whatever was sent to it.
  if (request.is404 || text.trim() === '') return done(null, {})
  parse(request, text, (error, body) => {
    if (error) return done(new InvalidInputError('The body is not valid JSON, or uses a forbidden key', 'malformed-json'))
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return done(new InvalidInputError('The body must be a JSON object', 'body-not-object'))
    done(null, body)
  })
}

/** Any other type is fine as long as nothing comes with it; content is refused before it is read. */
function refuseContent (request: FastifyRequest, payload: FastifyRequest['raw'], done: Done): void {
  if (request.is404) return done(null, {})
  const settle = (error: Error | null): void => {
    payload.off('data', onData).off('end', onEnd).off('error', settle)
    done(error, {})
  }
  const onData = (): void => {
    payload.pause()
    settle(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE())
  }
  const onEnd = (): void => { settle(null) }
  payload.on('data', onData).on('end', onEnd).on('error', settle)
}

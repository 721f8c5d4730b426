import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { Core } from '../../services/core.ts'
import { modelTypes } from '../../services/models/types.ts'
import type { StaticFile } from '../../services/web/static-files.ts'
import { createWebUseCases, type WebUseCases } from '../../use-cases/web/index.ts'

const tags = ['pages']
const pages = [
  ...modelTypes.map(({ prefix, label }) => ({ page: prefix, url: `/${prefix}`, operationId: `open${label}Page`, what: `${label}s` })),
  { page: 'recipes' as const, url: '/loras/recipes', operationId: 'openRecipePage', what: 'recipes' }
]
const failure = (description: string) => ({ ...Type.Ref('Failure'), description })
const content = (type: string, description: string) => ({ description, content: { [type]: { schema: { type: 'string' } } } })
const file = content('*/*', 'The file')

/** Addresses carry the version where it matters, so a copy is always checked and mostly still good. */
function sendFile (request: FastifyRequest, reply: FastifyReply, { body, contentType, etag }: StaticFile): FastifyReply {
  reply.headers({ etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' })
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.header('content-type', contentType).send(body)
}

/** Pages for people and the files that they load. */
const webRoutes: FastifyPluginAsync = async (app) => {
  app.decorate('useCases', createWebUseCases(app.getDecorator<Core>('core')))
  const useCases = app.getDecorator<WebUseCases>('useCases')

  app.get('/', {
    schema: { operationId: 'openHome', tags, summary: 'To the page of the LoRAs', response: { 302: { type: 'null', description: 'Found' } } }
  }, (_request, reply) => reply.header('cache-control', 'no-cache').redirect('/loras', 302))

  for (const { page, url, operationId, what } of pages) {
    app.get(url, {
      schema: { operationId, tags, summary: `Page of the ${what}`, response: { 200: content('text/html', 'The page'), 503: failure('The library is not opened yet') } }
    }, async (request, reply) => reply.headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
      .send(await useCases.renderPage({ page, acceptLanguage: request.headers['accept-language'] })))
  }

  app.get<{ Params: { '*': string } }>('/loras_static/*', {
    schema: { operationId: 'getPageFile', tags, summary: 'Style, script or image of the pages', response: { 200: file, 404: content('text/plain', 'There is no such file') } }
  }, async (request, reply) => sendFile(request, reply, await useCases.getStaticFile(request.params['*'])))

  app.get<{ Params: { name: string } }>('/locales/:name', {
    schema: { operationId: 'getLocaleFile', tags, summary: 'Texts of the pages in one language', params: Type.Object({ name: Type.String({ description: 'e.g. `en.json`' }) }), response: { 200: file, 404: content('text/plain', 'There is no such language') } }
  }, async (request, reply) => sendFile(request, reply, await useCases.getLocaleFile(request.params.name)))
}

export default webRoutes

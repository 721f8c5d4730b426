import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { Core } from '../services/core.ts'
import { NotFoundError } from '../services/errors.ts'
import { eventTable } from '../services/progress/events.ts'

const assets: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8'
}
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>modelshelf API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>`
const start = 'SwaggerUIBundle({ url: "/docs/json", dom_id: "#ui", deepLinking: true })'

const sockets = {
  '/ws/fetch-progress': 'General channel: one JSON text frame per event of the jobs that run; messages of clients are ignored.',
  '/ws/batch-import-progress': 'The same channel under a second name; with `?id=` only the frames of that import of many images.',
  '/ws/init-progress': 'Progress of scans; a new socket first gets the last frame of every page.',
  '/ws/download-progress': 'Progress of one download, `?id=`; the first frame is {"type":"download_id","download_id"}, with a new id when none was given.',
  '/api/v1/events': 'The typed feed, as WebSocket or SSE. Frame {seq, epoch, time, type, operation?, job?, data}; `?after=<epoch>:<seq>` resumes, an unknown position gets {"type":"resync"} first. Types: x-events.'
}

/** What OpenAPI has no words for. */
const extensions: object = { 'x-websockets': sockets, 'x-events': eventTable }

const description = `A library of Stable Diffusion models over HTTP and WebSocket.

Failures are \`{success: false, error, code}\`. An absent body is \`{}\`. The sockets are listed under \`x-websockets\`, the events of the feed with the schemas of their payloads under \`x-events\`.`

/** The OpenAPI document at /docs/json, made from the routes at the first request, and a page to read it at /docs. */
export default fp(async (app) => {
  const { version } = app.getDecorator<Core>('core')
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'modelshelf', version, description }, ...extensions },
    refResolver: {
      buildLocalReference: (schema, _baseUri, _fragment, index) => typeof schema.$id === 'string' ? schema.$id : `schema-${index}`
    }
  })
  await app.register(documentation)
}, { name: 'openapi', fastify: '5.x', dependencies: ['core'] })

async function documentation (app: FastifyInstance): Promise<void> {
  const schema = { hide: true }
  let document: string | undefined

  app.get('/docs/json', { schema }, (_request, reply) => {
    document ??= JSON.stringify(app.swagger())
    return reply.type('application/json; charset=utf-8').send(document)
  })
  app.get('/docs', { schema }, (_request, reply) => reply.type('text/html; charset=utf-8').send(page))
  app.get('/docs/start.js', { schema }, (_request, reply) => reply.type('text/javascript; charset=utf-8').send(start))
  app.get<{ Params: { asset: string } }>('/docs/:asset', { schema }, async (request, reply) => {
    const type = Object.hasOwn(assets, request.params.asset) ? assets[request.params.asset] : undefined
    if (type === undefined) throw new NotFoundError('Not found')
    const folder = join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static')
    return await reply.type(type).header('cache-control', 'max-age=86400').send(await readFile(join(folder, request.params.asset)))
  })
}

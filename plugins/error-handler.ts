import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { failureOf, httpFailure, isJsonFailure, type Failure } from './failure.ts'
import { createKnownRoutes } from './known-routes.ts'

/** The only writer of failure bodies: `{success: false, error, code, …}` under /api, plain text elsewhere. */
function write (reply: FastifyReply, failure: Failure, json: boolean): FastifyReply {
  // What the handler meant for its success must not outlive the failure in a cache.
  reply.removeHeader('etag').removeHeader('content-disposition').header('cache-control', 'no-cache').code(failure.status)
  if (!json) return reply.type('text/plain; charset=utf-8').send(failure.message)
  const { fields, message, code, status } = failure
  const id = status === 500 ? { request_id: reply.request.id } : {}
  return reply.type('application/json; charset=utf-8').send(JSON.stringify({ ...fields, success: false, error: message, code, ...id }))
}

/** Answers for an error, and logs it when it is a fault of ours. */
export function writeFailure (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = failureOf(error)
  if (failure.unexpected) request.log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed')
  return write(reply, failure, isJsonFailure(request.url, error))
}

/** Requests that Node itself could not read never reach the application; they get the same body. */
export function writeClientError (error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  const { message, code } = httpFailure(status)
  const body = JSON.stringify({ success: false, error: message, code })
  const head = `HTTP/1.1 ${message.replace(':', '')}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  socket.end(head + body)
}

export default fp(async (app) => {
  const known = createKnownRoutes()
  app.addHook('onRoute', ({ method, url }) => { known.add(method, url) })
  app.setErrorHandler(writeFailure)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? request.url
    const methods = known.methodsOf(path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    return write(reply, httpFailure(methods.length > 0 ? 405 : 404), isJsonFailure(request.url, undefined))
  })
}, { name: 'error-handler', fastify: '5.x' })

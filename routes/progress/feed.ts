import '@fastify/websocket'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { openEventStream } from './event-stream.ts'
import { socketSink } from './socket-sink.ts'

const PING_EVERY_MS = 25_000

const schema = {
  operationId: 'streamEvents',
  tags: ['events'],
  summary: 'The typed feed of events, as WebSocket or server-sent events',
  description: 'An upgrade makes it a WebSocket; anything else gets server-sent events. Resumes after `?after=` or `Last-Event-ID`.',
  querystring: Type.Object({
    after: Type.Optional(Type.String({ description: 'Position `<epoch>:<seq>` of the last frame seen' })),
    token: Type.Optional(Type.String({ description: 'Access token, where no header can be set' }))
  }),
  response: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: Type.String() } } },
    '4xx': { $ref: 'Failure#' }
  }
}

const feed: FastifyPluginAsyncTypebox = async (app) => {
  const { hub } = app.getDecorator<Core>('core')
  const streams = new Set<ReturnType<typeof openEventStream>>()

  app.route({
    method: 'GET',
    url: '/api/v1/events',
    exposeHeadRoute: false,
    schema,
    config: { longLived: true, tokenInQuery: true },
    wsHandler (socket, request) {
      const { after } = request.query as { after?: string }
      socket.once('close', hub.subscribe(socketSink(socket), after))
    },
    handler (request, reply) {
      const stream = openEventStream(reply)
      const last = [request.headers['last-event-id']].flat()[0]
      const disconnect = hub.subscribe(stream.sink, last ?? request.query.after)
      streams.add(stream)
      reply.raw.once('close', () => {
        streams.delete(stream)
        disconnect()
      })
    }
  })

  const heartbeat = setInterval(() => { for (const { ping } of streams) ping() }, PING_EVERY_MS).unref()
  app.addHook('preClose', async () => {
    clearInterval(heartbeat)
    for (const { end } of streams) end()
  })
}

export default feed

import '@fastify/websocket'
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import type { Core } from '../../services/core.ts'
import type { LegacyChannel } from '../../services/progress/types.ts'
import { sinkOfOperation, socketSink } from './socket-sink.ts'

const options = { websocket: true, exposeHeadRoute: false, config: { longLived: true, tokenInQuery: true } } as const

/** The sockets that existing clients know. What clients send is ignored. */
export default async function sockets (app: FastifyInstance): Promise<void> {
  const { hub } = app.getDecorator<Core>('core')

  function connect (socket: WebSocket, channel: LegacyChannel, id?: string): void {
    socket.once('close', hub.attach(channel, socketSink(socket), id))
  }

  app.get('/ws/fetch-progress', options, (socket) => { connect(socket, 'fetch') })
  app.get<{ Querystring: { id?: string | string[] } }>('/ws/batch-import-progress', options, (socket, request) => {
    const id = [request.query.id].flat()[0]
    const sink = socketSink(socket)
    socket.once('close', hub.attach('fetch', id ? sinkOfOperation(sink, id) : sink))
  })
  app.get('/ws/init-progress', options, (socket) => { connect(socket, 'init') })
  app.get<{ Querystring: { id?: string | string[] } }>('/ws/download-progress', options, (socket, request) => {
    const id = [request.query.id].flat()[0] || randomUUID()
    socket.send(JSON.stringify({ type: 'download_id', download_id: id }))
    connect(socket, 'download', id)
  })
}

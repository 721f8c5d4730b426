import websocket from '@fastify/websocket'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'

const PAYLOAD_LIMIT_BYTES = 64 * 1024
const PING_EVERY_MS = 30_000
const CLOSING_MS = 1000
const GOING_AWAY = 1001

/** WebSockets once for all stacks: small messages only, no compression, dead peers found and dropped, 1001 at the end. */
export default fp<{ pingEveryMs?: number }>(async (app, { pingEveryMs = PING_EVERY_MS }) => {
  await app.register(websocket, {
    options: { maxPayload: PAYLOAD_LIMIT_BYTES, perMessageDeflate: false },
    errorHandler (error, socket, request) {
      request.log.debug({ err: error }, 'a socket failed')
      // A broken frame is answered with its close code by the library; anything else is over.
      if (socket.readyState === socket.OPEN) socket.terminate()
    },
    preClose (done) {
      closeSockets(this as unknown as FastifyInstance).then(() => { done() }, done)
    }
  })

  const answering = new WeakSet<WebSocket>()
  app.websocketServer.on('connection', (socket) => {
    answering.add(socket)
    socket.on('pong', () => { answering.add(socket) })
  })
  const heartbeat = setInterval(() => {
    for (const socket of app.websocketServer.clients) {
      if (!answering.delete(socket)) socket.terminate()
      else if (socket.readyState === socket.OPEN) socket.ping()
    }
  }, pingEveryMs).unref()
  app.addHook('onClose', async () => { clearInterval(heartbeat) })
}, { name: 'websocket', fastify: '5.x' })

async function closeSockets ({ server, websocketServer }: FastifyInstance): Promise<void> {
  server.removeAllListeners('upgrade')
  const closed = new Promise<void>((resolve) => { websocketServer.close(() => { resolve() }) })
  for (const socket of websocketServer.clients) socket.close(GOING_AWAY, 'The server is stopping')
  const overdue = setTimeout(() => { for (const socket of websocketServer.clients) socket.terminate() }, CLOSING_MS)
  await closed
  clearTimeout(overdue)
}

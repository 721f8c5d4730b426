import type { FastifyInstance } from 'fastify'
import feed from './feed.ts'
import sockets from './sockets.ts'

/** Everything that is pushed: the sockets of existing clients and the typed feed. */
export default async function progressRoutes (app: FastifyInstance): Promise<void> {
  await app.register(sockets)
  await app.register(feed)
}

import Fastify from 'fastify'
import t from 'tap'
import { fastifyOptions } from '../../plugins/server-options.ts'

t.test('what a request logs bears its id and the level of its route, and hides secrets', async (t) => {
  const lines: string[] = []
  const { logger, ...options } = fastifyOptions({ logLevel: 'info' })
  const app = Fastify({ ...options, logger: { ...logger, stream: { write (line: string) { lines.push(line) } } } })
  t.teardown(() => app.close())
  app.get('/loud', (request, reply) => {
    request.log.debug('not this')
    request.log.info({ headers: { authorization: 'Bearer abc' } }, 'first')
    request.log.child({ part: 2 }).warn('second')
    return reply.send(request.id)
  })
  app.get('/quiet', { logLevel: 'error' }, (request, reply) => {
    request.log.info('nor this')
    request.log.error('third')
    return reply.send(request.log.level)
  })
  const id = (await app.inject('/loud')).payload
  t.equal((await app.inject('/quiet')).payload, 'error')
  const [first, second, third, ...more] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(first, { level: 30, msg: 'first', reqId: id, headers: { authorization: '[Redacted]' } })
  t.match(second, { level: 40, msg: 'second', reqId: id, part: 2 })
  t.match(third, { level: 50, msg: 'third', reqId: /./ })
  t.not(third?.reqId, id)
  t.same(more, [])
})

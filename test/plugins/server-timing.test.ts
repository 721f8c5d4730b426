import Fastify from 'fastify'
import t from 'tap'
import serverTiming from '../../plugins/server-timing.ts'

t.test('every answer says how long it took inside the process, failures too', async (t) => {
  const app = Fastify({ logger: { level: 'silent' } })
  t.teardown(() => app.close())
  await app.register(serverTiming)
  app.get('/slow', async () => {
    const until = performance.now() + 20
    while (performance.now() < until);
    return { done: true }
  })
  const slow = await app.inject('/slow')
  const milliseconds = Number(/^app;dur=(\d+\.\d\d)$/.exec(String(slow.headers['server-timing']))?.[1])
  t.ok(milliseconds >= 19 && milliseconds < 5_000, `${milliseconds} ms`)
  t.match((await app.inject('/missing')).headers['server-timing'], /^app;dur=\d/)
})

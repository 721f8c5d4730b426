import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import app from '../app.ts'
import { fastifyOptions } from '../plugins/server-options.ts'
import { modelTypes } from '../services/models/types.ts'
import { modelApp } from './helpers/model-app.ts'

t.test('the root has the core; use cases are seen by their own stack only', async (t) => {
  const server = Fastify({ ...fastifyOptions({ logLevel: 'silent' }), logger: false }) as unknown as FastifyInstance
  const scopes: FastifyInstance[] = []
  server.addHook('onRegister', (scope) => { scopes.push(scope) })
  const start = { settingsDirectory: t.testdir(), modelsDirectory: null, host: '127.0.0.1', port: 0, logLevel: 'silent', insecure: false, allowedHosts: [], settingsOverlay: {}, providers: {}, persistentCache: false, scanOnStart: false }
  await server.register(app, { start })
  t.teardown(() => server.close())
  await server.ready()

  t.ok(server.hasDecorator('core'))
  t.notOk(server.hasDecorator('useCases'))
  t.notOk(server.hasRequestDecorator('useCases'))
  const useCases = scopes.filter((scope) => Object.hasOwn(scope, 'useCases')).map((scope) => scope.getDecorator<object>('useCases'))
  t.ok(useCases.length > modelTypes.length, `${useCases.length} stacks have use cases`)
  t.equal(new Set(useCases).size, useCases.length, 'each has its own')
  const ofTypes = useCases.filter((cases) => 'listModels' in cases)
  t.equal(ofTypes.length, modelTypes.length, 'and so has each model type')
  for (const scope of scopes) t.equal(scope.core, server.core, 'all stand on one core')
})

t.test('what a model type does not have or is not ready for is its own affair', async (t) => {
  const { app } = await modelApp(t, { libraries: { loras: { library: { opened: false } } } })
  t.equal((await app.inject('/api/lm/loras/list')).statusCode, 503)
  t.match((await app.inject('/api/lm/loras/list')).json(), { success: false })
  t.equal((await app.inject('/api/lm/checkpoints/list')).statusCode, 200)
  t.equal((await app.inject('/api/lm/embeddings/list')).statusCode, 200)
  t.equal((await app.inject('/api/lm/checkpoints/letter-counts')).statusCode, 404, 'letters are counted for LoRAs')
  t.equal((await app.inject('/api/lm/loras/unet_roots')).statusCode, 404, 'diffusion models are checkpoints')
})

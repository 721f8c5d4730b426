import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Core } from '../../services/core.ts'
import { createStateDatabase } from '../../services/database/state.ts'
import { createJobSystem } from '../../services/jobs/system.ts'
import { createProgressHub } from '../../services/progress/hub.ts'
import errorHandler from '../../plugins/error-handler.ts'
import metrics from '../../plugins/metrics.ts'
import openapi from '../../plugins/openapi.ts'
import security, { type SecurityOptions } from '../../plugins/security.ts'
import { fastifyOptions } from '../../plugins/server-options.ts'
import validation from '../../plugins/validation.ts'
import websocket from '../../plugins/websocket.ts'

export interface MinimalOptions {
  settings?: Record<string, unknown>
  security?: Partial<SecurityOptions>
  directory?: string
  opened?: boolean
  logTo?: { write (line: string): void }
}

/** The platform over a core without stacks: real hub, jobs and state, settings and libraries as plain values. */
export async function buildPlatform (t: Test, options: MinimalOptions, routes: (app: FastifyInstance, core: Core) => void | Promise<void>): Promise<{ app: FastifyInstance, core: Core }> {
  const silent = { error () {}, warn () {}, info () {}, debug () {} }
  const state = createStateDatabase(options.directory ?? t.testdir({}), silent)
  const hub = createProgressHub()
  const jobs = createJobSystem({ state, hub, logger: silent })
  const settings = options.settings ?? {}
  const library = (prefix: string) => ({ type: { prefix }, opened: options.opened ?? true, index: { size: 3 } })
  const core = {
    settings: { get: (key: string) => settings[key] },
    models: { loras: library('loras'), checkpoints: library('checkpoints'), embeddings: library('embeddings') },
    hub,
    jobs,
    state,
    version: '1.2.3'
  } as unknown as Core

  const { logger, ...server } = fastifyOptions({ logLevel: options.logTo ? 'info' : 'silent' })
  const app = Fastify({ ...server, logger: options.logTo ? { ...logger, stream: options.logTo } : logger }) as unknown as FastifyInstance
  await app.register(fp(async (root) => { root.decorate('core', core) }, { name: 'core' }))
  await app.register(errorHandler)
  await app.register(validation)
  await app.register(security, { host: '127.0.0.1', insecure: false, allowedHosts: [], ...options.security })
  await app.register(websocket)
  await app.register(openapi)
  await app.register(metrics)
  await app.register(async (scope) => { await routes(scope, core) })
  t.teardown(async () => {
    await app.close()
    await jobs.close()
    hub.close()
    state.close()
  })
  return { app, core }
}

export async function listen (app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

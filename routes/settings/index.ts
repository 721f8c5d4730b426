import type { FastifyInstance } from 'fastify'
import type { Core } from '../../services/core.ts'
import { createSettingsUseCases } from '../../use-cases/settings/index.ts'
import { registerLibraries } from './libraries.ts'
import { registerSettings } from './settings.ts'

/** Settings and libraries. */
export default async function settingsRoutes (app: FastifyInstance): Promise<void> {
  const useCases = createSettingsUseCases(app.getDecorator<Core>('core'))
  app.decorate('useCases', useCases)
  const stop = useCases.announceChanges()
  app.addHook('onClose', async () => { stop() })
  registerSettings(app)
  registerLibraries(app)
}

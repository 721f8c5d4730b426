import type { FastifyInstance } from 'fastify'
import type { SettingsUseCases } from '../../use-cases/settings/index.ts'
import { activateLibrarySchema, deleteLibrarySchema, listLibrariesSchema, renameLibrarySchema, saveLibrarySchema } from './schemas.ts'

interface Named { Body: Record<string, unknown> }

export function registerLibraries (app: FastifyInstance): void {
  const useCases = app.getDecorator<SettingsUseCases>('useCases')

  app.get('/api/lm/settings/libraries', { schema: listLibrariesSchema }, async () => ({ success: true, ...await useCases.listLibraries() }))
  app.post<Named>('/api/lm/settings/libraries', { schema: saveLibrarySchema }, async (request) => ({ success: true, ...await useCases.saveLibrary(request.body) }))
  app.post<Named>('/api/lm/settings/libraries/activate', { schema: activateLibrarySchema }, async (request) => ({ success: true, ...await useCases.activateLibrary(request.body) }))
  app.post<Named>('/api/lm/settings/libraries/rename', { schema: renameLibrarySchema }, async (request) => ({ success: true, ...await useCases.renameLibrary(request.body) }))
  app.post<Named>('/api/lm/settings/libraries/delete', { schema: deleteLibrarySchema }, async (request) => ({ success: true, ...await useCases.deleteLibrary(request.body) }))
}

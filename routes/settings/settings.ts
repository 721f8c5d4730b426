import type { FastifyInstance } from 'fastify'
import type { SettingsUseCases } from '../../use-cases/settings/index.ts'
import { priorityTagsSchema, readSchema, saveSchema } from './schemas.ts'

export function registerSettings (app: FastifyInstance): void {
  const useCases = app.getDecorator<SettingsUseCases>('useCases')

  app.get('/api/lm/settings', { schema: readSchema }, async () => ({ success: true, ...await useCases.readSettings() }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/settings', { schema: saveSchema }, async (request) => {
    const outcome = await useCases.saveSettings(request.body)
    // a value that can't be taken is an answer, not a failure: pages show its text beside the field
    return outcome.saved ? { success: true } : { success: false, error: outcome.reason, code: outcome.code }
  })

  app.get('/api/lm/priority-tags', { schema: priorityTagsSchema }, async () => ({ success: true, tags: useCases.listPriorityTags() }))
}

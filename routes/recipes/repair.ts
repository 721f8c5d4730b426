import type { FastifyInstance } from 'fastify'
import type { ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { Message, RematchResult, RematchSummary, RepairResult, RepairSummary, SweepProgress, tags } from './import-schemas.ts'
import { IdParams as params, answers, body, documentedOnly } from './schemas.ts'

const idList = body({ recipe_ids: 'List of ids' })

/** Recipes completed by what others know (repair), or by what the library holds now (rematch). */
export function registerRepair (app: FastifyInstance): void {
  const useCases = app.getDecorator<ImportUseCases>('useCases')
  const sweeps = [
    ['repair', 'Repair', 'Complete all recipes with what CivitAI knows', useCases.repair, 'Recipe repair started'],
    ['rematch', 'Rematch', 'Match the models of all recipes with the library', useCases.rematch, 'Recipe rematch started']
  ] as const

  for (const [word, name, summary, sweep, started] of sweeps) {
    app.post(`/api/lm/recipes/${word}`, { schema: { operationId: `start${name}`, tags, summary, response: answers(Message, 409) } }, async () => {
      sweep.start()
      return { success: true, message: started }
    })
    app.post(`/api/lm/recipes/cancel-${word}`, { schema: { operationId: `cancel${name}`, tags, summary: `Stop the ${word} after the recipe at hand`, response: answers(Message) } }, async () => {
      sweep.cancel()
      return { success: true, message: 'Cancellation requested' }
    })
    app.get(`/api/lm/recipes/${word}-progress`, { schema: { operationId: `get${name}Progress`, tags, summary: `How far the ${word} is; the end is kept until the next one`, response: answers(SweepProgress, 404) } },
      async () => ({ success: true, progress: sweep.progress() }))
  }

  app.post<{ Params: { id: string } }>('/api/lm/recipe/:id/repair', {
    schema: { operationId: 'repairRecipe', tags, summary: 'Complete a recipe with what CivitAI knows', params, response: answers(RepairResult, 404, 409) }
  }, async (request) => ({ success: true, ...await useCases.repairRecipe(request.params.id) }))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/repair-bulk', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'repairRecipes', tags, summary: 'Complete these recipes with what CivitAI knows', body: idList, response: answers(RepairSummary, 400) }
  }, async (request) => ({ success: true, ...await useCases.repairRecipes(request.body) }))

  app.post<{ Params: { id: string } }>('/api/lm/recipe/:id/rematch', {
    schema: { operationId: 'rematchRecipe', tags, summary: 'Match the models of a recipe with the library', params, response: answers(RematchResult, 404, 409) }
  }, async (request) => await useCases.rematchRecipe(request.params.id))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/recipes/rematch-bulk', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'rematchRecipes', tags, summary: 'Match the models of these recipes with the library', body: idList, response: answers(RematchSummary, 400, 409) }
  }, async (request) => ({ success: true, ...await useCases.rematchRecipes(request.body) }))
}

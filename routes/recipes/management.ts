import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { RecipeUseCases } from '../../use-cases/recipes/index.ts'
import type { MoveBody } from '../../use-cases/recipes/move-recipes.ts'
import type { ReconnectBody } from '../../use-cases/recipes/reconnect-lora.ts'
import { BatchId, IdParams, RecipeMatches, answers, body, success } from './schemas.ts'

const tags = ['recipes']

type WithId = { Params: { id: string } }

const Updated = success({ recipe_id: Type.String(), updates: Type.Object({}, { additionalProperties: true, description: 'What was applied' }) })
const Deleted = success({ message: Type.String(), batch_id: BatchId })
const DeletedMany = success({
  deleted: Type.Array(Type.String()),
  failed: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() })),
  total_deleted: Type.Integer(),
  total_failed: Type.Integer(),
  batch_id: BatchId
})
const Moved = success({
  recipe_id: Type.String(),
  original_file_path: Type.String(),
  new_file_path: Type.String(),
  json_path: Type.Optional(Type.String()),
  folder: Type.Optional(Type.String()),
  message: Type.Optional(Type.String({ description: 'Only when it was there already' }))
})
const path = Type.Union([Type.String(), Type.Null()])
const MovedMany = success({
  message: Type.String(),
  results: Type.Array(Type.Object({ recipe_id: Type.String(), original_file_path: path, new_file_path: path, success: Type.Boolean(), message: Type.String(), folder: Type.Optional(Type.String()) })),
  success_count: Type.Integer(),
  failure_count: Type.Integer()
})
const target = 'Folder, absolute or relative to the recipe directory'

/** What a user does to recipes. */
export function registerManagement (app: FastifyInstance): void {
  const useCases = app.getDecorator<RecipeUseCases>('useCases')

  app.put<WithId & { Body: Record<string, unknown> }>('/api/lm/recipe/:id/update', {
    schema: { operationId: 'updateRecipe', tags, summary: 'Change what a recipe says of itself', params: IdParams, body: body({ title: 'A text', tags: 'A list of texts', source_path: 'A text', preview_nsfw_level: 'A whole number', favorite: 'true or false', gen_params: 'Takes the place of all parameters', base_model: 'A text' }), response: answers(Updated, 400, 404, 409, 507) }
  }, async (request) => ({ success: true, ...await useCases.updateRecipe(request.params.id, request.body) }))

  app.post<{ Body: ReconnectBody }>('/api/lm/recipe/lora/reconnect', {
    schema: { operationId: 'reconnectRecipeLora', tags, summary: 'Connect a LoRA of a recipe with one of the library', body: body({ recipe_id: 'The recipe', lora_index: 'Place of the LoRA in the recipe, from 0', target_name: 'Name of the model, with its folder where the name alone is not unique' }), response: answers(success({ recipe_id: Type.String(), updated_lora: Type.Object({}, { additionalProperties: true }), matching_recipes: RecipeMatches }), 400, 404, 409, 507) }
  }, async (request) => ({ success: true, ...await useCases.reconnectLora(request.body) }))

  app.post<WithId>('/api/lm/recipe/:id/opened', {
    schema: { operationId: 'markRecipeOpened', tags, summary: 'Note that a recipe was opened now', params: IdParams, response: answers(success({}), 404) }
  }, async (request) => {
    await useCases.markOpened(request.params.id)
    return { success: true }
  })

  registerDeletes(app, useCases)
  registerMoves(app, useCases)
}

function registerDeletes (app: FastifyInstance, useCases: RecipeUseCases): void {
  app.delete<WithId>('/api/lm/recipe/:id', {
    schema: { operationId: 'deleteRecipe', tags, summary: 'Take a recipe to the trash', params: IdParams, response: answers(Deleted, 404, 507) }
  }, async (request) => ({ success: true, ...await useCases.deleteRecipe(request.params.id) }))

  app.post<{ Body: { recipe_ids?: unknown } }>('/api/lm/recipes/bulk-delete', {
    schema: { operationId: 'deleteRecipes', tags, summary: 'Take several recipes to the trash as one operation', body: body({ recipe_ids: 'Ids of recipes' }), response: answers(DeletedMany, 400, 507) }
  }, async (request) => ({ success: true, ...await useCases.deleteRecipes(request.body) }))
}

function registerMoves (app: FastifyInstance, useCases: RecipeUseCases): void {
  app.post<{ Body: MoveBody }>('/api/lm/recipe/move', {
    schema: { operationId: 'moveRecipe', tags, summary: 'Move a recipe with its files to another folder', body: body({ recipe_id: 'The recipe', target_path: target }), response: answers(Moved, 400, 403, 404, 409, 507) }
  }, async (request) => ({ success: true, ...await useCases.moveRecipe(request.body) }))

  app.post<{ Body: MoveBody }>('/api/lm/recipes/move-bulk', {
    schema: { operationId: 'moveRecipes', tags, summary: 'Move several recipes; what fails is told beside the rest', body: body({ recipe_ids: 'Ids of recipes', target_path: target }), response: answers(MovedMany, 400) }
  }, async (request) => ({ success: true, ...await useCases.moveRecipes(request.body) }))
}

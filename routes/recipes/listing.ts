import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { RecipeUseCases } from '../../use-cases/recipes/index.ts'
import type { RawQuery } from '../../use-cases/recipes/parse-recipe-query.ts'
import { DuplicateGroups, IdParams, ListParameters, RecipePage, Recipes, answers, documentedOnly, query, success } from './schemas.ts'

const tags = ['recipes']
const Counts = (name: string) => Type.Array(Type.Object({ [name]: Type.String(), count: Type.Integer() }))
const Limit = query.count('At most 200; 0 means all', 20)
const Tree = success({ tree: Type.Object({}, { additionalProperties: true, description: 'Nested objects by folder name' }) })

type Query = { Querystring: RawQuery }

/** Bodies that the index has ready are sent as they are. */
function sendJson (reply: FastifyReply, body: Buffer): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(body)
}

/** Reads: pages, one recipe, and what recipes can be found by. */
export function registerListing (app: FastifyInstance): void {
  const useCases = app.getDecorator<RecipeUseCases>('useCases')

  // The second address is the one that pages of existing clients ask while they wait for the first scan.
  for (const [url, operationId] of [['/api/lm/recipes', 'listRecipes'], ['/api/recipes', 'listRecipesForPage']] as const) {
    app.get<Query>(url, {
      validatorCompiler: documentedOnly,
      schema: { operationId, tags, summary: 'One page of the recipes that pass the filters', querystring: ListParameters, response: answers(RecipePage, 400) }
    }, async (request, reply) => sendJson(reply, await useCases.listRecipes(request.query)))
  }

  app.get<{ Params: { id: string } }>('/api/lm/recipe/:id', {
    schema: { operationId: 'getRecipe', tags, summary: 'One recipe as its file is now', params: IdParams, response: answers({ $ref: 'Recipe#' }, 404) }
  }, async (request) => await useCases.getRecipe(request.params.id))

  registerFacets(app, useCases)
  registerFolders(app, useCases)
  registerFinders(app, useCases)
}

function registerFacets (app: FastifyInstance, useCases: RecipeUseCases): void {
  app.get<Query>('/api/lm/recipes/top-tags', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listTopRecipeTags', tags, summary: 'Tags of recipes, the most frequent first', querystring: Type.Object({ limit: Limit }), response: answers(success({ tags: Counts('tag') }), 400) }
  }, async (request) => ({ success: true, ...useCases.topTags(request.query) }))

  app.get<Query>('/api/lm/recipes/search-tags', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'searchRecipeTags', tags, summary: 'Tags of recipes that hold a text', querystring: Type.Object({ q: query.text('Any part of the tag'), limit: Limit }), response: answers(success({ tags: Counts('tag') }), 400) }
  }, async (request) => ({ success: true, ...useCases.searchTags(request.query) }))

  app.get<Query>('/api/lm/recipes/base-models', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listRecipeBaseModels', tags, summary: 'Base models of recipes, the most frequent first', querystring: Type.Object({ limit: Limit }), response: answers(success({ base_models: Counts('name') }), 400) }
  }, async (request) => ({ success: true, ...useCases.countBaseModels(request.query) }))
}

function registerFolders (app: FastifyInstance, useCases: RecipeUseCases): void {
  const Texts = Type.Array(Type.String())

  app.get('/api/lm/recipes/roots', {
    schema: { operationId: 'listRecipeRoots', tags, summary: 'The recipe directory', response: answers(success({ roots: Texts })) }
  }, async () => ({ success: true, ...useCases.listRoots() }))

  app.get('/api/lm/recipes/folders', {
    schema: { operationId: 'listRecipeFolders', tags, summary: 'Folders that hold recipes, relative to the recipe directory', response: answers(success({ folders: Texts })) }
  }, async () => ({ success: true, ...useCases.listFolders() }))

  for (const [url, operationId] of [['folder-tree', 'getRecipeFolderTree'], ['unified-folder-tree', 'getUnifiedRecipeFolderTree']] as const) {
    app.get(`/api/lm/recipes/${url}`, {
      schema: { operationId, tags, summary: 'Folders of the recipe directory, empty ones too', response: answers(Tree) }
    }, async () => ({ success: true, ...await useCases.getFolderTree() }))
  }
}

function registerFinders (app: FastifyInstance, useCases: RecipeUseCases): void {
  const Hash = Type.Object({ hash: Type.Optional(Type.String({ description: 'SHA-256, AutoV2, AutoV3 or another that CivitAI names' })) })

  app.get<Query>('/api/lm/recipes/for-lora', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listRecipesForLora', tags, summary: 'Recipes that use a LoRA', querystring: Hash, response: answers(success({ recipes: Recipes }), 400) }
  }, async (request, reply) => sendJson(reply, useCases.recipesForLora(request.query)))

  app.get<Query>('/api/lm/recipes/for-checkpoint', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listRecipesForCheckpoint', tags, summary: 'Recipes that use a checkpoint', querystring: Hash, response: answers(success({ recipes: Recipes }), 400) }
  }, async (request, reply) => sendJson(reply, useCases.recipesForCheckpoint(request.query)))

  app.get<Query>('/api/lm/recipes/find-duplicates', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'findDuplicateRecipes', tags, summary: 'Recipes with the same LoRAs at the same strengths, or of the same source', querystring: Type.Object({ include_prompt: query.text('`1` or `true`: the prompt must be the same, too'), include_seed: query.text('`1` or `true`: the seed must be the same, too') }), response: answers(success({ duplicate_groups: DuplicateGroups })) }
  }, async (request, reply) => sendJson(reply, useCases.findDuplicates(request.query)))

  app.get<Query>('/api/lm/recipes/check-image-exists', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'checkRecipeImages', tags, summary: 'Which CivitAI images were made recipes already', querystring: Type.Object({ image_ids: query.text('Ids, separated by commas') }), response: answers(success({ results: Type.Record(Type.String(), Type.Object({ in_library: Type.Boolean(), recipe_id: Type.Union([Type.String(), Type.Null()]) })) })) }
  }, async (request, reply) => reply.header('cache-control', 'no-store').send({ success: true, ...useCases.checkImages(request.query) }))

  app.get<Query>('/api/lm/recipes/scan', {
    exposeHeadRoute: false,
    validatorCompiler: documentedOnly,
    schema: { operationId: 'scanRecipes', tags, summary: 'Compare the recipe directory with what is known; answers when it is done', querystring: Type.Object({ full_rebuild: query.flag('Read every file anew', false) }), response: answers(Type.Object({ success: Type.Boolean(), status: Type.Optional(Type.String()), message: Type.String() })) }
  }, async (request, reply) => reply.header('cache-control', 'no-store').send(await useCases.scanRecipes(request.query)))

  app.get<{ Params: { id: string } }>('/api/lm/recipe/:id/syntax', {
    schema: { operationId: 'getRecipeSyntax', tags, summary: 'The LoRAs of a recipe as text for a prompt', params: IdParams, response: answers(success({ syntax: Type.String() }), 400, 404) }
  }, async (request) => ({ success: true, ...await useCases.getSyntax(request.params.id) }))
}

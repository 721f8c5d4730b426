import type { FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { RecipeCheckpoint, RecipeFile, RecipeLora } from '../../services/recipes/schema.ts'
import { createRecipeUseCases, type RecipeUseCases } from '../../use-cases/recipes/index.ts'
import { registerListing } from './listing.ts'
import { registerManagement } from './management.ts'
import { Recipe } from './schemas.ts'
import { registerSharing } from './sharing.ts'

/** Recipes: pictures that can be made again. */
const recipeRoutes: FastifyPluginAsync = async (app) => {
  for (const schema of [RecipeLora, RecipeCheckpoint, RecipeFile, Recipe]) app.addSchema(schema)
  app.decorate('useCases', createRecipeUseCases(app.getDecorator<Core>('core')))
  const useCases = app.getDecorator<RecipeUseCases>('useCases')
  app.addHook('onClose', (_app, done) => {
    useCases.close()
    done()
  })
  registerListing(app)
  registerManagement(app)
  registerSharing(app)
}

export default recipeRoutes

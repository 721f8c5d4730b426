import type { FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { RecipeCheckpoint, RecipeFile, RecipeLora } from '../../services/recipes/schema.ts'
import { createImportUseCases, type ImportUseCases } from '../../use-cases/recipes/import-use-cases.ts'
import { createRecipeUseCases, type RecipeUseCases } from '../../use-cases/recipes/index.ts'
import { analysisRoutes } from './analysis.ts'
import { registerBatchImport } from './batch-import.ts'
import { registerImports } from './imports.ts'
import { registerListing } from './listing.ts'
import { registerManagement } from './management.ts'
import { registerMissing } from './missing.ts'
import { registerRepair } from './repair.ts'
import { savingRoutes } from './saving.ts'
import { Recipe } from './schemas.ts'
import { registerSharing } from './sharing.ts'

/** Recipes: pictures that can be made again. */
const recipeRoutes: FastifyPluginAsync = async (app) => {
  for (const schema of [RecipeLora, RecipeCheckpoint, RecipeFile, Recipe]) app.addSchema(schema)
  const core = app.getDecorator<Core>('core')
  const warn = (message: string, error: unknown): void => { app.log.warn({ err: error }, message) }
  app.decorate('useCases', { ...createRecipeUseCases(core), ...createImportUseCases(core, { warn }) })
  const useCases = app.getDecorator<RecipeUseCases & ImportUseCases>('useCases')
  app.addHook('onClose', (_app, done) => {
    useCases.close()
    useCases.stopFollowing()
    done()
  })
  registerListing(app)
  registerManagement(app)
  registerSharing(app)
  registerImports(app)
  registerBatchImport(app)
  registerRepair(app)
  registerMissing(app)
  await app.register(analysisRoutes)
  await app.register(savingRoutes)
}

export default recipeRoutes

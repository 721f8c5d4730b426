import { join } from 'node:path'
import type { Core } from '../../services/core.ts'
import { destinationNames } from '../../services/network/destinations.ts'
import { createSharedFiles } from '../../services/recipes/shared-files.ts'
import { deleteRecipe, deleteRecipes } from './delete-recipes.ts'
import { getSyntax } from './get-syntax.ts'
import { checkImages, countBaseModels, findDuplicates, getRecipe, listRecipes, recipesUsing, searchTags, topTags } from './list-recipes.ts'
import { moveRecipe, moveRecipes } from './move-recipes.ts'
import { reconnectLora } from './reconnect-lora.ts'
import { scanRecipes } from './scan-recipes.ts'
import { sendWorkflow } from './send-workflow.ts'
import { downloadShared, shareRecipe } from './share-recipe.ts'
import { updateRecipe } from './update-recipe.ts'

export type RecipeUseCases = ReturnType<typeof createRecipeUseCases>

/** What the product does with recipes. */
export function createRecipeUseCases (core: Core) {
  const { recipes, settings, door } = core
  const deps = { recipes }
  const shared = createSharedFiles({ directory: join(settings.directory, 'modelshelf', 'shared-recipes'), now: () => performance.now() })
  const sharing = { recipes, shared, now: Date.now }
  door.register({
    name: destinationNames.comfyUi,
    purpose: 'Hands workflows to the ComfyUI that the settings name',
    get origins () { return originOf(settings.get('comfyui_url')) },
    enabled: () => originOf(settings.get('comfyui_url')).length > 0,
    setting: 'comfyui_url'
  })
  return {
    listRecipes: listRecipes(deps),
    getRecipe: getRecipe(deps),
    topTags: topTags(deps),
    searchTags: searchTags(deps),
    countBaseModels: countBaseModels(deps),
    listRoots: () => ({ roots: [recipes.root()].filter((root) => root !== null) }),
    listFolders: () => ({ folders: recipes.folders() }),
    getFolderTree: async () => ({ tree: await recipes.folderTree() }),
    recipesForLora: recipesUsing(deps, recipes.byLoraHash, 'Lora'),
    recipesForCheckpoint: recipesUsing(deps, recipes.byCheckpointHash, 'Checkpoint'),
    scanRecipes: scanRecipes(deps),
    findDuplicates: findDuplicates(deps),
    checkImages: checkImages(deps),
    getSyntax: getSyntax(deps),
    markOpened: async (id: string) => { await recipes.markOpened(id) },
    updateRecipe: updateRecipe(deps),
    deleteRecipe: deleteRecipe(deps),
    deleteRecipes: deleteRecipes(deps),
    moveRecipe: moveRecipe(deps),
    moveRecipes: moveRecipes(deps),
    reconnectLora: reconnectLora({ recipes, library: core.models.loras, now: Date.now }),
    shareRecipe: shareRecipe(sharing),
    downloadShared: downloadShared(sharing),
    sendWorkflow: sendWorkflow({ recipes, settings, door }),
    close () { shared.close() }
  }
}

function originOf (address: unknown): string[] {
  return typeof address === 'string' && URL.canParse(address) ? [new URL(address).origin] : []
}

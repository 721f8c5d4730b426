import { join } from 'node:path'
import type { Core } from '../../services/core.ts'
import { createUploadShelf } from '../../services/files/upload-shelf.ts'
import { createLanes } from '../../services/images/lanes.ts'
import { createBatchImports } from '../../services/recipes/batch-import.ts'
import { createMediaIntake } from '../../services/recipes/media-intake.ts'
import { createMissingVersions } from '../../services/recipes/missing-versions.ts'
import { createPartOffers } from '../../services/recipes/part-offers.ts'
import { createImageReader } from '../../services/recipes/read-image.ts'
import { createReadablePlaces } from '../../services/recipes/readable-places.ts'
import { createRecipeMaker } from '../../services/recipes/recipe-maker.ts'
import { followLibrary } from '../../services/recipes/follow-library.ts'
import { learnTensorHashes } from '../../services/recipes/learn-tensor-hashes.ts'
import { createSourceImages } from '../../services/recipes/source-images.ts'
import { createStemTable } from '../../services/recipes/stem-table.ts'
import { createSweeps } from '../../services/recipes/sweep.ts'
import { createRecipeVersions } from '../../services/recipes/version-lookups.ts'
import { analyzeLocalImage, analyzeUpload, analyzeUrl } from './analyze-image.ts'
import { browseDirectory } from './browse-directory.ts'
import { sweepProgress } from './chosen-recipes.ts'
import { createFromExample } from './create-from-example.ts'
import { cancelBatchImport, getBatchProgress, importOne, startBatchImport, startDirectoryImport } from './import-batch.ts'
import { importFromUrl } from './import-from-url.ts'
import { importRemote } from './import-remote.ts'
import { createMissingParts } from './missing-parts.ts'
import { defineRematch, fillQuietly, rematchMany, rematchOne, rematchQuietly } from './rematch-recipes.ts'
import { reimportRecipe } from './reimport-recipe.ts'
import { defineRepair, repairRecipe, repairRecipes } from './repair-recipes.ts'
import { saveFromWidget } from './save-from-widget.ts'
import { saveRecipe } from './save-recipe.ts'

/** So many images are fetched and read at once for those who wait for an answer. */
const IMPORTS_AT_ONCE = 2
const MOST_WAITING = 100

/** What the product does to make recipes of images, and to complete them. */
export function createImportUseCases (core: Core, { warn }: { warn: (message: string, error: unknown) => void }) {
  const { settings, door, providers, models, jobs, hub, downloads, recipes: shelf } = core
  const civitai = providers.civitai
  const loras = models.loras.index
  const checkpoints = models.checkpoints.index
  const missing = createMissingVersions({ state: core.state })
  const versions = createRecipeVersions({ providers, missing })
  const intake = createMediaIntake({ uploads: createUploadShelf(join(settings.directory, 'modelshelf', 'uploads-recipes')), door, warn })
  const reader = createImageReader({ loras, checkpoints, versions })
  const images = createSourceImages({ intake, reader, civitai })
  const places = createReadablePlaces({ settings, onlyThisMachine: core.onlyThisMachine })
  const deps = { shelf, images, intake, places, versions, missing, reader, settings, loras, checkpoints, downloads, maker: createRecipeMaker({ shelf, settings, images, versions, missing }), lanes: createLanes(IMPORTS_AT_ONCE, MOST_WAITING) }

  const batches = createBatchImports({ jobs, hub, importOne: importOne(deps) })
  const sweeps = createSweeps({ jobs, hub })
  const library = { loras, checkpoints, loraStems: createStemTable(loras), checkpointStems: createStemTable(checkpoints) }
  const repairs = defineRepair(sweeps, deps)
  const matching = { shelf, library, sweeps, learn: learnTensorHashes({ library, tensorHash: models.loras.tensorHash, warn }) }
  const rematches = defineRematch(matching)
  // A name alone binds, and files are read for their hash, only where somebody asks for it.
  const nameless = { ...library, loraStems: { find: () => [] }, checkpointStems: { find: () => [] } }
  const stopFollowing = followLibrary({
    hub,
    shelf,
    sweeps,
    mayWrite: () => settings.get('write_sidecars') !== 'on_edit',
    rematch: rematchQuietly({ shelf, library: nameless, learn: async () => new Set() }),
    fill: fillQuietly({ shelf, loras }),
    warn
  })

  return {
    analyzeUpload: analyzeUpload(deps),
    analyzeUrl: analyzeUrl(deps),
    analyzeLocalImage: analyzeLocalImage(deps),
    saveRecipe: saveRecipe(deps),
    saveFromWidget: saveFromWidget(deps),
    importRemote: importRemote(deps),
    importFromUrl: importFromUrl(deps),
    createFromExample: createFromExample({ ...deps, exampleFolders: () => exampleFolders(core) }),
    reimportRecipe: reimportRecipe(deps),
    startBatchImport: startBatchImport({ batches }),
    startDirectoryImport: startDirectoryImport({ batches, places }),
    getBatchProgress: getBatchProgress({ batches }),
    cancelBatchImport: cancelBatchImport({ batches }),
    browseDirectory: browseDirectory({ places }),
    repair: { start: repairs.start, cancel: repairs.cancel, progress: sweepProgress(repairs, 'repair') },
    rematch: { start: rematches.start, cancel: rematches.cancel, progress: sweepProgress(rematches, 'rematch') },
    repairRecipe: repairRecipe(deps),
    repairRecipes: repairRecipes(deps),
    rematchRecipe: rematchOne(matching),
    rematchRecipes: rematchMany(matching),
    missing: createMissingParts({ ...deps, offers: createPartOffers({ civitai, versions }) }),
    stopFollowing
  }
}

export type ImportUseCases = ReturnType<typeof createImportUseCases>

function exampleFolders ({ settings, models }: Core): string[] {
  const examples: unknown = settings.get('example_images_path')
  const roots = Object.values(models).flatMap((library) => library.roots().map(({ path }) => path))
  return typeof examples === 'string' && examples !== '' ? [examples, ...roots] : roots
}

import { join } from 'node:path'
import { createBaseModels } from '../../services/base-models/base-models.ts'
import { createUploadShelf } from '../../services/files/upload-shelf.ts'
import { createSidecarEditor } from '../../services/models/edit-sidecar.ts'
import { createPreviewServing } from '../../services/models/preview-serving.ts'
import { mediaType } from '../../services/models/preview-file.ts'
import { recipesDirectory } from '../../services/settings/recipes-directory.ts'
import type { Core } from '../../services/core.ts'
import { createRunningTasks } from '../../services/models/running-tasks.ts'
import type { ModelType } from '../../services/models/types.ts'
import { addTags } from './add-tags.ts'
import { countBaseModels, countModelTypes, searchTags, topTags } from './count-facets.ts'
import { cycleLoras } from './cycle-loras.ts'
import { deleteModel, deleteModels } from './delete-models.ts'
import { excludeModel, includeModel } from './exclude-model.ts'
import { findDuplicates, findFilenameConflicts } from './find-duplicates.ts'
import { getCivitaiUrl } from './get-civitai-url.ts'
import { getInitStatus } from './get-init-status.ts'
import { getMetadata, getModelDescription } from './get-metadata.ts'
import { getModelInfo } from './get-model-info.ts'
import { getNotes } from './get-notes.ts'
import { getPreviewUrl } from './get-preview-url.ts'
import { getTriggerWords, sendTriggerWords } from './get-trigger-words.ts'
import { countLetters, getUsageTips } from './get-usage-tips.ts'
import { getFolderTree, getUnifiedFolderTree, listFolders, listRoots, listRootsOf } from './list-folders.ts'
import { listExcludedModels, listModels } from './list-models.ts'
import { listKnownBaseModels, refreshKnownBaseModels } from './list-known-base-models.ts'
import { listLoaderPool } from './list-loader-pool.ts'
import { getExampleFiles, getTrainedWords } from './read-companions.ts'
import { moveModel } from './move-model.ts'
import { moveModels } from './move-models.ts'
import { getOrganizeProgress, organizeModels } from './organize-models.ts'
import { renameModel } from './rename-model.ts'
import { saveMetadata } from './save-metadata.ts'
import { sampleLoras } from './sample-loras.ts'
import { cancelTask, scanModels } from './scan-models.ts'
import { replacePreview } from './replace-preview.ts'
import { servePreview } from './serve-preview.ts'
import { setPreviewFromUrl } from './set-preview-from-url.ts'
import { suggestPaths } from './suggest-paths.ts'
import { undoDelete } from './undo-delete.ts'
import { verifyDuplicates } from './verify-duplicates.ts'

/** What stacks tell of faults that fail no request. */
export interface StackLog { warn: (message: string, error: unknown) => void }

/** What the product does with models of one type. */
export function createModelUseCases (core: Core, type: ModelType, { warn }: StackLog) {
  const deps = { library: core.models[type.prefix], settings: core.settings, hub: core.hub, journal: core.journal, organizer: core.organizer, refresher: core.metadata.refresher, updates: core.updates, shownImages: core.shownImages, random: Math.random, tasks: createRunningTasks(), warn }
  const editSidecar = createSidecarEditor({ library: deps.library, journal: core.journal, overlay: core.sidecarOverlay, recorder: core.metadata.recorder })
  const changes = { ...deps, editSidecar }
  const previews = { ...deps, uploads: createUploadShelf(join(core.settings.directory, 'modelshelf', `uploads-${type.prefix}`)) }
  return {
    isReady: () => deps.library.opened,
    listModels: listModels(deps),
    listExcludedModels: listExcludedModels(deps),
    topTags: topTags(deps),
    searchTags: searchTags(deps),
    countBaseModels: countBaseModels(deps),
    countModelTypes: countModelTypes(deps),
    listRoots: listRoots(deps),
    listRootsOf: listRootsOf(deps),
    listFolders: listFolders(deps),
    getFolderTree: getFolderTree(deps),
    getUnifiedFolderTree: getUnifiedFolderTree(deps),
    findDuplicates: findDuplicates(deps),
    findFilenameConflicts: findFilenameConflicts(deps),
    getNotes: getNotes(deps),
    getPreviewUrl: getPreviewUrl(deps),
    getCivitaiUrl: getCivitaiUrl(deps),
    getMetadata: getMetadata(deps),
    getModelDescription: getModelDescription(deps),
    suggestPaths: suggestPaths(deps),
    scanModels: scanModels(deps),
    cancelTask: cancelTask(deps),
    deleteModel: deleteModel(deps),
    deleteModels: deleteModels(deps),
    excludeModel: excludeModel(changes),
    includeModel: includeModel(changes),
    saveMetadata: saveMetadata(changes),
    addTags: addTags(changes),
    verifyDuplicates: verifyDuplicates(changes),
    renameModel: renameModel(deps),
    moveModel: moveModel(deps),
    moveModels: moveModels(deps),
    organizeModels: organizeModels(deps),
    getOrganizeProgress: getOrganizeProgress(deps),
    getModelInfo: getModelInfo(deps),
    listLoaderPool: listLoaderPool(deps),
    countLetters: countLetters(deps),
    getTriggerWords: getTriggerWords(deps),
    sendTriggerWords: sendTriggerWords(deps),
    getUsageTips: getUsageTips(deps),
    sampleLoras: sampleLoras(deps),
    cycleLoras: cycleLoras(deps),
    replacePreview: replacePreview(previews),
    setPreviewFromUrl: setPreviewFromUrl({ ...previews, door: core.door })
  }
}

export type ModelUseCases = ReturnType<typeof createModelUseCases>

const MEGABYTE = 1024 * 1024
const DEFAULT_CACHE_MB = 16
function createServing (core: Core) {
  const { settings } = core
  const serving = createPreviewServing({
    libraries: Object.values(core.models),
    folders: () => [recipesDirectory(settings.activeLibrary().library)].filter((folder) => folder !== undefined),
    mediaTypeOf: mediaType,
    cacheBytes () {
      const megabytes = settings.get('max_preview_cache_mb')
      return Math.floor((typeof megabytes === 'number' && megabytes >= 0 ? megabytes : DEFAULT_CACHE_MB) * MEGABYTE)
    }
  })
  settings.onChange(() => { serving.reset() })
  return serving
}

/** What the product does with models of all types together. */
export function createSharedModelUseCases (core: Core, { warn }: StackLog) {
  const libraries = Object.values(core.models)
  const deps = { libraries, hub: core.hub, serving: createServing(core) }
  const baseModels = createBaseModels({
    civitai: core.providers.civitai,
    file: join(core.settings.directory, 'modelshelf', 'base-models.json'),
    fetchWhenExpired: () => true,
    warn
  })
  return {
    undoDelete: undoDelete({ ...deps, recipes: core.recipes, journal: core.journal, settingsDirectory: core.settings.directory, now: Date.now }),
    servePreview: servePreview(deps),
    getInitStatus: getInitStatus({ ...deps, recipes: core.recipes }),
    getTrainedWords: getTrainedWords(deps),
    getExampleFiles: getExampleFiles(deps),
    listKnownBaseModels: listKnownBaseModels({ baseModels }),
    refreshKnownBaseModels: refreshKnownBaseModels({ baseModels }),
    listBaseModelCategories: baseModels.categories,
    getBaseModelCacheStatus: baseModels.cacheStatus
  }
}

export type SharedModelUseCases = ReturnType<typeof createSharedModelUseCases>

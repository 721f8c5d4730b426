import { join } from 'node:path'
import type { Core } from '../../services/core.ts'
import type { Logger } from '../../services/logger.ts'
import { createStorageAdvice } from '../../services/models/storage-advice.ts'
import { recipesDirectory } from '../../services/settings/recipes-directory.ts'
import { listStorageAdvice } from './list-storage-advice.ts'

export type StorageUseCases = ReturnType<typeof createStorageUseCases>

/** What the product knows of the room that models take. */
export function createStorageUseCases ({ models, settings, state }: Pick<Core, 'models' | 'settings' | 'state'>, logger: Pick<Logger, 'error'>) {
  const libraries = Object.values(models)
  const advice = createStorageAdvice({
    libraries,
    stateFile: state.db.name,
    usageFile: join(settings.directory, 'stats', 'lora_manager_stats.json'),
    dotDirectories: () => settings.get('scan_dot_folders') !== false,
    mediaFolders: () => [recipesDirectory(settings.activeLibrary().library), settings.get<unknown>('example_images_path')]
      .filter((folder): folder is string => typeof folder === 'string' && folder !== ''),
    logger,
    now: Date.now
  })
  return { listStorageAdvice: listStorageAdvice({ advice, libraries }) }
}

import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { FolderPaths, ModelsOverlay } from './types.ts'

/** The library of a run that was started for one models folder. Its name is the same in every such run, since the index is kept under it. */
export function modelsOverlay (directory: string, folders: FolderPaths): ModelsOverlay {
  const id = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 12)
  return { libraryName: `run-${id}`, folder_paths: folders }
}

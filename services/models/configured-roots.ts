import { PathOutsideLibraryError } from '../errors.ts'
import { computeRoots, rootPath } from '../files/roots.ts'
import { longestMatchingRoot, normalizeClientPath, relativeInside } from '../files/safe-path.ts'
import type { Root } from '../files/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import { readRootDisk } from './root-disk.ts'
import type { ModelType } from './types.ts'

/** Directories that hold what was deleted; nothing in them is a model. */
const STAGING = new Set(['.lm-pending-delete', '.modelshelf-trash'])

/** The roots of one type in the active library, with what a user should know of them. Never blocks on a disk that hangs. */
export async function readConfiguredRoots (settings: Pick<SettingsManager, 'activeLibrary'>, type: ModelType): Promise<{ roots: Root[], warnings: string[] }> {
  const { library } = settings.activeLibrary()
  const folders = { folder_paths: library.folder_paths ?? {}, extra_folder_paths: library.extra_folder_paths ?? {} }
  const paths = [folders.folder_paths, folders.extra_folder_paths].flatMap((lists) => type.folders.flatMap(({ key }) => lists[key] ?? []).flatMap((text) => rootPath(text) ?? []))
  const { roots, warnings } = computeRoots(folders, await readRootDisk(paths))
  return { roots: roots.filter((root) => root.type === type.name), warnings: warnings.flatMap((warning) => warning.type === type.name ? [warning.text] : []) }
}

/** Path inside one of the roots, in the user's spelling. @throws PathOutsideLibraryError, InvalidInputError */
export function containPath (roots: readonly Root[], path: string): { path: string, root: Root, relative: string } {
  const normal = normalizeClientPath(path)
  const root = longestMatchingRoot(roots, normal)
  const relative = root && relativeInside(root.path, normal)
  if (!root || relative === undefined || relative.split('/').some((part) => STAGING.has(part))) throw new PathOutsideLibraryError()
  return { path: normal, root, relative }
}

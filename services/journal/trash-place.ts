import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { PathOutsideLibraryError } from '../errors.ts'
import { longestMatchingRoot } from '../files/safe-path.ts'
import type { Root } from '../files/types.ts'

/** Directory of a root, or of another volume inside one, that takes what was deleted there. */
export const TRASH_NAME = '.modelshelf-trash'

/** A folder whose files the journal may change. `trash`: another name for its trash than the usual one. */
export interface TrashRoot extends Pick<Root, 'path'> { trash?: string }

/**
 * Where the trash of a path lies: in its root, or in the topmost folder of the volume that a link or a mount brings into
 * the root, so that nothing is copied from disk to disk in order to be deleted.
 */
export function createTrashPlace (roots: () => readonly TrashRoot[]): (path: string) => string {
  return (path) => {
    const root = longestMatchingRoot(roots(), path)
    if (!root || path === root.path) throw new PathOutsideLibraryError()
    return `${topOfVolume(root.path, dirname(path))}/${root.trash ?? TRASH_NAME}`
  }
}

function topOfVolume (root: string, directory: string): string {
  const home = volumeOf(root)
  let top = directory
  let volume = volumeOf(top)
  while (volume === undefined && top.length > root.length) {
    top = dirname(top)
    volume = volumeOf(top)
  }
  if (volume === undefined || volume === home) return root
  while (top.length > root.length && volumeOf(dirname(top)) === volume) top = dirname(top)
  return top
}

/** undefined: not there (yet), or not to be told. */
function volumeOf (directory: string): number | undefined {
  try {
    return statSync(directory, { throwIfNoEntry: false })?.dev
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return undefined
  }
}

import { realpath } from 'node:fs/promises'
import { InvalidInputError } from '../../services/errors.ts'
import { pathKey } from '../../services/files/safe-path.ts'
import type { Root } from '../../services/files/types.ts'
import type { DefaultFolders } from '../../services/models/default-folder.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

export interface Target { directory: string, root: Root }

const MAX_NAME_BYTES = 255

/**
 * The folder that a move names; with default paths the template's folder in the root that holds it, so that a folder deep in
 * a root never gets the template's tree below itself.
 * @throws PathOutsideLibraryError, InvalidInputError
 */
export function findTarget (library: Pick<ModelLibrary, 'contain'>, targetPath: string, model: IndexedModel, defaults: DefaultFolders | null): Target {
  const { path, root } = library.contain(targetPath)
  const folder = defaults?.folder({ ...model, ...(root.subType !== null && { sub_type: root.subType }) }) ?? ''
  const directory = folder === '' ? path : library.contain(`${root.path}/${folder}`).path
  if (directory.split('/').some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) throw new InvalidInputError('The name of a folder is too long', 'name-too-long')
  return { directory, root }
}

/** Whether both are one folder, also when a link gives it two spellings. */
export async function isSameFolder (one: string, other: string): Promise<boolean> {
  if (pathKey(one) === pathKey(other)) return true
  const [left, right] = await Promise.all([realOf(one), realOf(other)])
  return left !== null && left === right
}

async function realOf (path: string): Promise<string | null> {
  try {
    return await realpath(path)
  } catch {
    // a folder that is still to be made is the same as no other
    return null
  }
}

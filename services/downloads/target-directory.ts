import { lstat, mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DomainError, InvalidInputError, OfflineError } from '../errors.ts'
import { containedIn, normalizeClientPath } from '../files/safe-path.ts'
import type { Root } from '../files/types.ts'
import { createDefaultFolders, type DefaultFolders } from '../models/default-folder.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { DownloadRequest } from './types.ts'

export interface Target { directory: string, root: Root }

const MOST_NAME_BYTES = 255

/** `root` plus a folder below it that a client names; never outside of the root. @throws InvalidInputError */
export function below (root: string, relative: string): string {
  const base = normalizeClientPath(root)
  const slashed = relative.replaceAll('\\', '/')
  if (slashed.startsWith('/') || /^[A-Za-z]:/.test(slashed) || slashed.split('/').includes('..')) throw new InvalidInputError('The folder must lie below the model folder', 'path-outside-library')
  const path = normalizeClientPath(`${base}/${slashed}`)
  if (!containedIn(base, path)) throw new InvalidInputError('The folder must lie below the model folder', 'path-outside-library')
  return path
}

type Model = Parameters<DefaultFolders['folder']>[0]

/**
 * The folder that a download goes to: the one that the client names, or the template's below a default root.
 * @throws InvalidInputError, PathOutsideLibraryError, OfflineError
 */
export function targetDirectory (request: DownloadRequest, library: ModelLibrary, settings: Pick<SettingsManager, 'get'>, model: Model, diffusion: boolean): Target {
  const type = library.type
  const base = baseOf(request, library, settings, diffusion)
  const relative = request.use_default_paths ? createDefaultFolders(settings, type.name).folder(model) : request.relative_path
  const { path: directory, root } = library.contain(below(base, relative))
  if (directory.split('/').some((name) => Buffer.byteLength(name) > MOST_NAME_BYTES)) throw new InvalidInputError('The name of a folder is too long', 'name-too-long')
  if (library.isAway(root.id)) throw new OfflineError('The model folder is offline: its disk may be away')
  return { directory, root }
}

function baseOf (request: DownloadRequest, { type }: ModelLibrary, settings: Pick<SettingsManager, 'get'>, diffusion: boolean): string {
  if (!request.use_default_paths || (request.use_save_dir_as_root && request.model_root)) {
    if (!request.model_root) throw new InvalidInputError('A folder to save to is required: give model_root, or use the default paths', 'target-missing')
    return request.model_root
  }
  const key = diffusion ? 'default_unet_root' : `default_${type.name}_root`
  const found = settings.get<unknown>(key)
  if (typeof found !== 'string' || found === '') throw new DomainError('failed', 'default-root-missing', `No default root is set for models of this kind (${key})`)
  return found
}

/** Makes the missing folders below a root that is there; answers the outermost one made. @throws OfflineError */
export async function makeDirectory (root: string, directory: string): Promise<string | undefined> {
  const found = await stat(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!found?.isDirectory()) throw new OfflineError('The model folder is not there: its disk may be away')
  return await mkdir(directory, { recursive: true })
}

/** Removes folders that were made for a download that came to nothing, as long as they are empty. */
export async function removeMade (outermost: string | undefined, directory: string): Promise<void> {
  if (outermost === undefined) return
  for (let at = directory; at.length >= outermost.length; at = dirname(at)) {
    try {
      if (!(await lstat(at)).isDirectory()) return
      await rmdir(at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      // Something lies in it, or it is gone already.
      return
    }
  }
}

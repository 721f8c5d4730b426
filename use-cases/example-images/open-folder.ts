import { NotFoundError } from '../../services/errors.ts'
import type { ExampleImages } from '../../services/example-images/example-images.ts'
import { findFolder } from '../../services/example-images/folder-files.ts'
import { folderAddress, localPath } from '../../services/example-images/local-address.ts'
import { readModelHash } from '../../services/example-images/model-hash.ts'
import { isLoopback } from '../../services/security/hosts.ts'
import type { SettingsManager } from '../../services/settings/types.ts'

interface Deps extends Pick<ExampleImages, 'places' | 'fileManager'> { settings: Pick<SettingsManager, 'get'> }

export type OpenAnswer =
  | { message: string, path: string }
  | { mode: 'clipboard', path: string, relative_path: string }
  | { mode: 'uri', path: string, relative_path: string, uri: string }

/**
 * Shows the folder of a model: on this machine for a caller on this machine, else by a path to copy or an address of the user's making.
 * A caller elsewhere never learns where it lies here.
 * @throws InvalidInputError, ExampleImagesUnavailableError, NotFoundError
 */
export const openFolder = ({ places, fileManager, settings }: Deps) => async ({ model_hash: modelHash }: { model_hash?: unknown }, caller: string): Promise<OpenAnswer> => {
  const hash = readModelHash(modelHash)
  const place = places.required()
  const found = await findFolder(place, hash)
  if (!found) throw new NotFoundError('No example images found for this model. Download example images first.', 'example-images-missing')
  const { relative } = found
  const here = isLoopback(caller)
  const localRoot = String(settings.get('example_images_local_root') ?? '').trim()
  const path = localRoot !== '' ? localPath(localRoot, relative) : here ? localPath(place.root, relative) : relative
  const mode = settings.get('example_images_open_mode')
  if (mode === 'uri_template') return { mode: 'uri', path, relative_path: relative, uri: folderAddress(String(settings.get('example_images_open_uri_template') ?? ''), path, relative) }
  if (mode !== 'clipboard' && here && await fileManager.open(found.path)) return { message: `Opened example images folder for model ${hash}`, path: found.path }
  return { mode: 'clipboard', path, relative_path: relative }
}

import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { ForbiddenPathError, InvalidInputError } from '../errors.ts'
import { containedIn, normalizeClientPath } from '../files/safe-path.ts'
import { recipesDirectory } from '../settings/recipes-directory.ts'
import type { SettingsManager } from '../settings/types.ts'

/** Where images outside the library may be read from: paths that come from clients. */
export interface ReadablePlaces {
  /**
   * The path in the spelling of the path space; `~` is the home of whoever runs the server, quotes around it are dropped.
   * Lexical: the answer does not tell whether anything is there.
   * @throws InvalidInputError for no path or a relative one; ForbiddenPathError for one outside the places
   */
  resolve (path: unknown): string
  /** The real path when it may be seen from here, else the path as it is. */
  real (path: string): Promise<string>
}

export interface ReadablePlacesDeps {
  settings: Pick<SettingsManager, 'get' | 'libraries'>
  /** Whether the server listens on this machine only: then its user is who asks, and reads what that user may read. */
  onlyThisMachine: boolean
  home?: string
}

const WRAPPED = /^(["'])(.*)\1$/s

/**
 * Beyond this machine, images are read only from the folders of the libraries, their recipes, the example images and the
 * home of whoever runs the server.
 */
export function createReadablePlaces ({ settings, onlyThisMachine, home = homedir() }: ReadablePlacesDeps): ReadablePlaces {
  function places (): string[] {
    const libraries = Object.values(settings.libraries())
    const folders = libraries.flatMap(({ folder_paths: own, extra_folder_paths: extra }) => [...Object.values(own), ...Object.values(extra)].flat())
    const examples: unknown = settings.get('example_images_path')
    const recipes = libraries.map((library) => recipesDirectory(library))
    return [...folders, ...recipes, examples, home].flatMap((folder) => typeof folder === 'string' && folder.trim() !== '' ? spelled(folder.trim()) : [])
  }

  const isReadable = (path: string): boolean => onlyThisMachine || places().some((place) => containedIn(place, path))

  return {
    resolve (given) {
      if (typeof given !== 'string' || given.trim() === '') throw new InvalidInputError('No file path provided', 'path-missing')
      const plain = WRAPPED.exec(given.trim())?.[2] ?? given.trim()
      const path = normalizeClientPath(/^~(?=$|[/\\])/.test(plain) ? home + plain.slice(1) : plain)
      if (!isReadable(path)) throw new ForbiddenPathError('This folder may not be read from here')
      return path
    },
    async real (path) {
      const real = (await realpath(path)).replaceAll('\\', '/')
      return isReadable(real) ? real : path
    }
  }
}

/** Folders of the settings that are no paths of this system hold nothing. */
function spelled (folder: string): string[] {
  try {
    return [normalizeClientPath(folder)]
  } catch (error) {
    if (error instanceof InvalidInputError) return []
    throw error
  }
}

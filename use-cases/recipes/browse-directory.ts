import { readdir, stat } from 'node:fs/promises'
import { ForbiddenPathError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import type { ReadablePlaces } from '../../services/recipes/readable-places.ts'

export interface DirectoryListing {
  current_path: string
  /** Null at the top of the file system. */
  parent_path: string | null
  directories: { name: string, path: string, is_parent: false }[]
  image_files: { name: string, path: string, size: number }[]
  image_count: number
  directory_count: number
}

const LEFT_OUT = new Set(['__pycache__', 'node_modules'])
const IMAGES = /\.(?:jpe?g|png|gif|webp|bmp|tiff?)$/i
const STATS_AT_ONCE = 32

/**
 * Folders and images of a folder that may be read from here, by name.
 * @throws InvalidInputError, ForbiddenPathError, NotFoundError
 */
export const browseDirectory = ({ places }: { places: ReadablePlaces }) => async (path: unknown): Promise<DirectoryListing> => {
  if (typeof path !== 'string' || path.trim() === '') throw new InvalidInputError('Directory path is required', 'path-missing')
  const wanted = places.resolve(path)
  await requireDirectory(wanted)
  const current = await places.real(wanted)
  const entries = (await readdir(current, { withFileTypes: true }).catch(refused)).filter(({ name }) => !name.startsWith('.') && !LEFT_OUT.has(name))
  const pathOf = (name: string): string => `${current === '/' ? '' : current}/${name}`
  const directories: DirectoryListing['directories'] = []
  const images: DirectoryListing['image_files'] = []
  for (let at = 0; at < entries.length; at += STATS_AT_ONCE) {
    await Promise.all(entries.slice(at, at + STATS_AT_ONCE).map(async ({ name }) => {
      const found = await stat(pathOf(name)).catch(() => null)
      if (found?.isDirectory()) directories.push({ name, path: pathOf(name), is_parent: false })
      else if (found?.isFile() && IMAGES.test(name)) images.push({ name, path: pathOf(name), size: found.size })
    }))
  }
  return {
    current_path: current,
    parent_path: parentOf(current),
    directories: directories.sort(byName),
    image_files: images.sort(byName),
    image_count: images.length,
    directory_count: directories.length
  }
}

/** @throws NotFoundError, InvalidInputError, ForbiddenPathError */
export async function requireDirectory (path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new NotFoundError('Directory does not exist', 'directory-not-found')
    return refused(error)
  })
  if (!found.isDirectory()) throw new InvalidInputError('The path is not a directory', 'not-a-directory')
}

function refused (error: NodeJS.ErrnoException): never {
  throw error.code === 'EACCES' || error.code === 'EPERM' ? new ForbiddenPathError('Permission denied') : error
}

function parentOf (path: string): string | null {
  const slash = path.lastIndexOf('/')
  if (path === '/' || slash < 0) return null
  return slash === 0 ? '/' : path.slice(0, slash)
}

function byName (one: { name: string }, other: { name: string }): number {
  const [a, b] = [one.name.toLowerCase(), other.name.toLowerCase()]
  return a < b ? -1 : a > b ? 1 : 0
}

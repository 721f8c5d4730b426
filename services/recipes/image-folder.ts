import { readdir, realpath } from 'node:fs/promises'
import { InvalidInputError } from '../errors.ts'

const IMAGES = /\.(?:jpe?g|png|webp|gif|bmp|avif|jxl|mp4|webm)$/i
const MOST_IMAGES = 50_000
const MOST_FOLDERS = 20_000

/**
 * Paths of images and videos in a folder, sorted. Hidden folders are left out, links to folders are followed once,
 * what can't be read is passed over.
 * @throws InvalidInputError for more than a batch may hold; what the folder itself can't be read for
 */
export async function listImages (folder: string, recursive: boolean): Promise<string[]> {
  const images: string[] = []
  const seen = new Set<string>()
  const waiting = [folder]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const real = await realpath(next).catch((error: unknown) => unreadable(error, next === folder))
    if (real === null || seen.has(real)) continue
    if (seen.size >= MOST_FOLDERS) throw new InvalidInputError('The folder has too many sub-folders', 'folder-too-large')
    seen.add(real)
    const { files, folders } = await entriesOf(next, next === folder)
    images.push(...files)
    if (images.length > MOST_IMAGES) throw new InvalidInputError(`The folder holds more than ${MOST_IMAGES} images`, 'folder-too-large')
    if (recursive) waiting.push(...folders)
  }
  return images.sort()
}

async function entriesOf (folder: string, first: boolean): Promise<{ files: string[], folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => unreadable(error, first)) ?? []
  const path = (name: string): string => `${folder === '/' ? '' : folder}/${name}`
  const visible = entries.filter(({ name }) => !name.startsWith('.'))
  return {
    files: visible.filter((entry) => IMAGES.test(entry.name) && !entry.isDirectory()).map(({ name }) => path(name)),
    folders: visible.filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && !IMAGES.test(entry.name))).map(({ name }) => path(name))
  }
}

/** Null for a folder below the one that was asked for. */
function unreadable (error: unknown, first: boolean): null {
  if (first) throw error
  return null
}

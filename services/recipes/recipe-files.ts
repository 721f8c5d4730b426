import { constants, copyFile, mkdir, open, readFile, rmdir, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InvalidInputError, PathOutsideLibraryError } from '../errors.ts'
import { ownTempPath } from '../files/atomic-write.ts'
import { containedIn, normalizeClientPath, relativeInside } from '../files/safe-path.ts'
import type { Step } from '../journal/types.ts'
import { embedRecipeMetadata } from './embed-recipe-metadata.ts'
import { statFile } from './image-facts.ts'
import type { MediaSource } from './ports.ts'
import { RECIPE_ENDING, isVideoFile } from './recipe-file.ts'

const ORIGINAL_ENDINGS = ['png', 'jpg', 'jpeg', 'webp', 'avif', 'jxl', 'gif', 'bmp', 'tif', 'tiff', 'mp4', 'webm', 'mov', 'mkv', 'avi']
const IMAGE_ENDING = /^\.[a-z0-9]{1,8}$/

/**
 * A folder that a client names, absolute or relative to the recipe directory.
 * @throws InvalidInputError, PathOutsideLibraryError
 */
export function recipeFolder (root: string, given: string): { directory: string, folder: string } {
  const text = given.replaceAll('\\', '/').trim()
  const absolute = text.startsWith('/') || /^[A-Za-z]:\//.test(text)
  const directory = normalizeClientPath(absolute ? text : `${root}/${text}`)
  const folder = relativeInside(root, directory)
  if (folder === undefined) throw new PathOutsideLibraryError('The folder lies outside the recipe directory')
  if (folder.split('/').some((part) => part.startsWith('.'))) throw new InvalidInputError('Recipes are not kept in hidden folders', 'path-hidden')
  return { directory, folder }
}

/** @throws InvalidInputError */
export function mediaEnding (extension: string): string {
  const ending = (extension.startsWith('.') ? extension : `.${extension}`).toLowerCase()
  if (!IMAGE_ENDING.test(ending)) throw new InvalidInputError('The extension of the image is none', 'extension-invalid')
  return ending
}

/** Makes a directory; answers the topmost one that was not there before. */
export async function makeDirectory (directory: string): Promise<string | undefined> {
  return await mkdir(directory, { recursive: true })
}

/** Takes away directories that were made for something that then failed, while they are empty. */
export async function dropDirectories (directory: string, first: string | undefined): Promise<void> {
  if (first === undefined) return
  for (let path = directory; containedIn(first, path); path = dirname(path)) {
    if (!await rmdir(path).then(() => true, () => false)) return
  }
}

/** Lays new media beside its place, with the recipe inside where it can carry it; a step makes it what it is to be. */
export async function stageMedia (source: MediaSource, path: string, recipe: Record<string, unknown> | null): Promise<Step & { kind: 'create' }> {
  const from = ownTempPath(path)
  try {
    if ('file' in source && (recipe === null || isVideoFile(path))) {
      await copyFile(source.file, from, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      await sync(from)
    } else {
      const bytes = 'data' in source ? Buffer.from(source.data.buffer, source.data.byteOffset, source.data.byteLength) : await readFile(source.file)
      await writeNew(from, recipe === null || isVideoFile(path) ? bytes : await embedRecipeMetadata(bytes, recipe) ?? bytes)
    }
  } catch (error) {
    await unlink(from).catch(() => undefined)
    throw error
  }
  return { kind: 'create', path, from }
}

async function writeNew (path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function sync (path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync().finally(async () => { await file.close() })
}

/** Files that belong to a recipe beside its document: its image where it lies in the recipe directory, and the untouched original. */
export async function recipeMedia (root: string, { jsonPath, imagePath }: { jsonPath: string, imagePath: string }): Promise<string[]> {
  const stem = jsonPath.slice(0, -RECIPE_ENDING.length)
  const candidates = [...containedIn(root, imagePath) && imagePath !== '' ? [imagePath] : [], ...ORIGINAL_ENDINGS.map((ending) => `${stem}.original.${ending}`)]
  const found = await Promise.all(candidates.map(async (path) => await statFile(path) === null ? [] : [path]))
  return found.flat()
}

import { readdir, realpath } from 'node:fs/promises'
import { containedIn } from '../files/safe-path.ts'
import { OfflineError } from '../errors.ts'
import { extensionOf, inShownOrder, isExampleName, isVideoName } from './media-names.ts'
import type { ExamplePlace } from './places.ts'

/** A file as clients see it. */
export interface ExampleImageFile {
  name: string
  /** Address to show it with. */
  path: string
  /** Lower-case, with the dot. */
  extension: string
  is_video: boolean
}

/** The folder of a model where it lies now. */
export interface FoundFolder {
  path: string
  /** Below the root, as addresses have it: `<hash>` or `<library>/<hash>`. */
  relative: string
  /** Everything in it, as the disk lists it. */
  names: string[]
}

const GONE = new Set(['ENOENT', 'ENOTDIR'])

/**
 * The folder of a model, also where an earlier layout put it; undefined when there is none, or it leads out of the root.
 * Reading makes nothing.
 * @throws OfflineError when the disk does not answer
 */
export async function findFolder (place: ExamplePlace, hash: string): Promise<FoundFolder | undefined> {
  for (const prefix of [place.prefix, ...place.formerPrefixes]) {
    const relative = prefix === '' ? hash : `${prefix}/${hash}`
    const path = `${place.root}/${relative}`
    const names = await namesIn(path)
    if (names && await isInside(place.root, path)) return { path, relative, names }
  }
  return undefined
}

/** Names in a directory, undefined when it is not there. @throws OfflineError */
export async function namesIn (path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path)
  } catch (error) {
    if (GONE.has(String((error as NodeJS.ErrnoException).code))) return undefined
    throw new OfflineError('The folder of example images can not be read at the moment', 'example-images-away')
  }
}

/** A link may only lead to another place of the same root. */
export async function isInside (root: string, path: string): Promise<boolean> {
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(path)])
    return containedIn(realRoot.replaceAll('\\', '/'), real.replaceAll('\\', '/'))
  } catch (error) {
    if (GONE.has(String((error as NodeJS.ErrnoException).code))) return false
    throw error
  }
}

export function filesOf ({ relative, names }: Pick<FoundFolder, 'relative' | 'names'>, customOrder: readonly string[] = []): ExampleImageFile[] {
  return inShownOrder(names.filter(isExampleName), customOrder).map((name) => describeFile(relative, name))
}

export function describeFile (relative: string, name: string): ExampleImageFile {
  const path = [...relative.split('/'), name].map(encodeURIComponent).join('/')
  return { name, path: `/example_images_static/${path}`, extension: extensionOf(name), is_video: isVideoName(name) }
}

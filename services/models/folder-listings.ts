import { readdir } from 'node:fs/promises'
import { ConflictError } from '../errors.ts'
import { modelTypes } from './types.ts'

/** One folder as an operation sees it: what was read once, laid over with what the operation takes out and puts in. */
export interface FolderListing {
  has (name: string): boolean
  /** Names that begin with the text, as the folder held them when it was read and holds them still. */
  startingWith (prefix: string): string[]
  /** Whether a model file of any type has this stem. */
  hasModel (stem: string): boolean
  put (name: string): void
  take (name: string): void
}

/** Folders read once each, however many models of an operation lie in them. */
export interface FolderListings {
  /** A folder that is not there is an empty one. @throws ConflictError when a file is in its place, else the file system's error */
  of (directory: string): Promise<FolderListing>
}

export type ReadNames = (directory: string) => Promise<string[]>

const EXTENSIONS = [...new Set(modelTypes.flatMap((type) => type.extensions))]

export function createFolderListings (read: ReadNames = readNames): FolderListings {
  const listings = new Map<string, Promise<FolderListing>>()
  return {
    async of (directory) {
      const known = listings.get(directory)
      if (known) return await known
      const reading = read(directory).then(createListing)
      listings.set(directory, reading)
      return await reading
    }
  }
}

async function readNames (directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new ConflictError('A file is in the way of the folder', 'not-a-directory')
    throw error
  }
}

function createListing (names: readonly string[]): FolderListing {
  const present = new Set(names)
  const sorted = [...names].sort()
  const hasModel = (stem: string): boolean => EXTENSIONS.some((extension) => present.has(stem + extension))
  return {
    has: (name) => present.has(name),
    hasModel,
    startingWith (prefix) {
      const found: string[] = []
      for (let at = firstFrom(sorted, prefix); at < sorted.length; at++) {
        const name = sorted[at] ?? ''
        if (!name.startsWith(prefix)) break
        if (present.has(name)) found.push(name)
      }
      return found
    },
    put (name) { present.add(name) },
    take (name) { present.delete(name) }
  }
}

/** Place of the first name that is not before the text, in code-unit order. */
function firstFrom (sorted: readonly string[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return low
}

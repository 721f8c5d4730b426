import { lstat } from 'node:fs/promises'
import type { Root } from '../files/types.ts'
import { longestMatchingRoot } from '../files/safe-path.ts'

/**
 * The folders that moves may leave empty, innermost first: those of the sources and the folders above them, below their root.
 * A linked folder is left alone: removing it would remove the user's link.
 */
export async function foldersToEmpty (sources: readonly string[], roots: readonly Root[]): Promise<string[]> {
  const folders = new Set<string>()
  for (const path of sources) {
    const root = longestMatchingRoot(roots, path)
    if (!root) continue
    const isRoot = (directory: string): boolean => roots.some((other) => other.path === directory)
    for (let at = parentOf(path); at.length > root.path.length && !isRoot(at) && !folders.has(at); at = parentOf(at)) folders.add(at)
  }
  const own: string[] = []
  for (const folder of [...folders].sort((a, b) => b.split('/').length - a.split('/').length)) {
    if (await isDirectory(folder)) own.push(folder)
  }
  return own
}

export function parentOf (path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

async function isDirectory (path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

/** How many of the folders are gone now, by the places that are reported: each folder counts for the first place that holds it or lies in it. */
export async function countRemoved (folders: readonly string[], places: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(places.map((place) => [place, 0]))
  for (const folder of folders) {
    if (await isDirectory(folder)) continue
    const place = places.find((one) => one === folder || folder.startsWith(`${one}/`)) ?? places.find((one) => one.startsWith(`${folder}/`))
    if (place !== undefined) counts[place] = (counts[place] ?? 0) + 1
  }
  return counts
}

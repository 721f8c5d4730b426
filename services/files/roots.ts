import { createHash } from 'node:crypto'
import { readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { modelTypes } from '../models/types.ts'
import type { FolderKey, ModelType, ModelTypeName } from '../models/types.ts'
import { DomainError } from '../errors.ts'
import { containedIn, normalizeClientPath, pathKey } from './safe-path.ts'
import type { Root } from './types.ts'

export interface RootInput {
  folder_paths: Readonly<Record<string, readonly string[] | undefined>>
  extra_folder_paths: Readonly<Record<string, readonly string[] | undefined>>
}

/** What root computation asks of the disk; a caller with its own knowledge (or none, for hung mounts) hands in another. */
export interface RootDisk {
  /** Real path, or null when the folder can't be reached now. */
  realPath (path: string): string | null
  /** Real paths of the directories that links directly below the folder point at. */
  linkTargets (path: string): string[]
}

interface Candidate extends Root { real: string }

/** What a user should know of a configured folder of one type. */
export interface RootWarning { type: ModelTypeName, text: string }

const disk: RootDisk = { realPath, linkTargets }

/**
 * The roots of a library, in the order of the model-type table, of each folder key first the primary ones, then the extra,
 * each sorted without case; of several spellings of a directory the first in the settings stays. Folders that can't be reached are kept: a share that is mounted later is the same root.
 */
export function computeRoots (input: RootInput, { realPath, linkTargets }: RootDisk = disk): { roots: Root[], warnings: RootWarning[] } {
  const warnings: RootWarning[] = []
  const roots: Candidate[] = []
  for (const type of modelTypes) {
    const ofType: Candidate[] = []
    for (const folder of type.folders) {
      const primary = candidates(type, folder, input.folder_paths[folder.key], false, realPath, warnings)
      addDistinct(ofType, primary, warnings)
      const extra = candidates(type, folder, input.extra_folder_paths[folder.key], true, realPath, warnings)
      if (extra.length === 0) continue
      const linked = new Map(primary.flatMap((root) => linkTargets(root.path).map((target) => [pathKey(target), root.path])))
      addDistinct(ofType, extra.filter((root) => {
        const holder = linked.get(pathKey(root.real))
        if (holder !== undefined) warnings.push({ type: type.name, text: `Extra folder "${root.path}" is ignored: a link inside "${holder}" already leads there.` })
        return holder === undefined
      }), warnings)
    }
    roots.push(...ofType)
  }
  warnings.push(...nestedWarnings(roots))
  return { roots: roots.map(({ real, ...root }) => root), warnings }
}

/** Opaque and the same in every run. */
export function rootId (type: string, path: string): string {
  return createHash('sha256').update(`${type}\0${path}`).digest('hex').slice(0, 16)
}

function candidates (
  type: ModelType, folder: { key: FolderKey, subType: string | null }, paths: readonly string[] | undefined, extra: boolean,
  realPath: RootDisk['realPath'], warnings: RootWarning[]
): Candidate[] {
  const found: Candidate[] = []
  for (const text of Array.isArray(paths) ? paths : []) {
    if (typeof text !== 'string' || text.trim() === '') continue
    const path = rootPath(text)
    if (path === undefined) {
      warnings.push({ type: type.name, text: `"${text}" in ${folder.key} is not an absolute path of this system and is ignored.` })
      continue
    }
    const real = realPath(path) ?? path
    if (!found.some((other) => pathKey(other.real) === pathKey(real))) found.push({ id: rootId(type.name, path), type: type.name, folderKey: folder.key, path, extra, subType: folder.subType, real })
  }
  return found.sort((a, b) => compareFolded(a.path, b.path))
}

/** A configured folder as a path of our path space; undefined for what is none. */
export function rootPath (text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  try {
    return normalizeClientPath(text.trim())
  } catch (error) {
    if (error instanceof DomainError) return undefined
    throw error
  }
}

/** Adds what is a directory of its own; the first spelling of a directory stays. */
function addDistinct (roots: Candidate[], more: readonly Candidate[], warnings: RootWarning[]): void {
  for (const root of more) {
    const known = roots.find((other) => pathKey(other.real) === pathKey(root.real))
    if (known === undefined) roots.push(root)
    else if (known.folderKey !== root.folderKey) {
      warnings.push({ type: root.type, text: `"${root.path}" is configured under ${known.folderKey} and ${root.folderKey}; it is read as ${known.folderKey}.` })
    } else if (root.extra && !known.extra) {
      warnings.push({ type: root.type, text: `Extra folder "${root.path}" is ignored: it is the folder "${known.path}".` })
    }
  }
}

function nestedWarnings (roots: readonly Candidate[]): RootWarning[] {
  const warnings: RootWarning[] = []
  for (const inner of roots) {
    for (const outer of roots) {
      if (inner === outer || !containedIn(outer.real, inner.real)) continue
      if (pathKey(outer.real) !== pathKey(inner.real)) {
        warnings.push({ type: inner.type, text: `"${inner.path}" lies inside "${outer.path}"; files are counted to the innermost folder.` })
      } else if (roots.indexOf(outer) < roots.indexOf(inner)) {
        warnings.push({ type: inner.type, text: `"${inner.path}" is configured for more than one model type.` })
      }
    }
  }
  return warnings
}

function compareFolded (a: string, b: string): number {
  const left = a.toLowerCase()
  const right = b.toLowerCase()
  return left < right ? -1 : left > right ? 1 : 0
}

function realPath (path: string): string | null {
  try {
    return realpathSync.native(path).replaceAll('\\', '/')
  } catch {
    // unreachable for whatever reason: it stays a root under its own spelling
    return null
  }
}

function linkTargets (path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .flatMap((entry) => realPath(join(path, entry.name)) ?? [])
  } catch {
    // not listable now: nothing is known of its links
    return []
  }
}

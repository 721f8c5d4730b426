import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '../errors.ts'
import { containedIn, normalizeClientPath, pathKey } from '../files/safe-path.ts'
import { defaultRootFolders, defaultRootKeys } from './schema.ts'
import { rootCandidates, sameFolder } from './state.ts'
import type { FolderPaths, Library, Refusal } from './types.ts'

/** A configured folder with its spelling in the path space and the directory that it really is (its spelling while it can't be reached). */
interface Folder { key: string, text: string, path: string, real: string }

const folderListKeys = ['folder_paths', 'extra_folder_paths'] as const

/** Why a library may not have these folders, or undefined. Folders that can't be reached now are allowed: a share may be mounted later. */
export async function findFolderProblem (library: Library, others: ReadonlyMap<string, Library>, changed: ReadonlySet<string>): Promise<Refusal | undefined> {
  const edited = folderListKeys.filter((key) => changed.has(key))
  if (edited.length === 0) return undefined
  const unusable = edited.flatMap((key) => spelled(library[key])).find((folder) => folder.path === undefined)
  if (unusable) return refusal('path-invalid', `"${unusable.text}" in ${unusable.key} must be an absolute path below the root of the file system`)
  const primary = await resolved(library.folder_paths)
  const extra = await resolved(library.extra_folder_paths)
  return await findNonDirectory([...primary, ...extra]) ??
    findSharedKinds([...primary, ...extra]) ??
    await findOverlap(primary, extra) ??
    await findTaken(primary, others)
}

/** Why a default root is none, or undefined. */
export function findDefaultRootProblem (library: Library, changed: ReadonlySet<string>): Refusal | undefined {
  for (const key of defaultRootKeys) {
    const wanted = library[key]
    if (!changed.has(key) || wanted === '') continue
    if (!rootCandidates(library, key).some((candidate) => sameFolder(candidate, wanted))) {
      return refusal('default-root-unknown', `${key} must be one of the configured ${defaultRootFolders[key]} folders`)
    }
  }
  return undefined
}

/** The real directories of all folders of some libraries. */
export async function realFolders (libraries: Iterable<Library>): Promise<string[]> {
  const lists = [...libraries].flatMap((library) => [library.folder_paths, library.extra_folder_paths])
  const folders = await Promise.all(lists.map(resolved))
  return folders.flat().flatMap(({ path, real }) => [path, real])
}

export async function realPathOrSpelling (path: string): Promise<string> {
  const real = await realpath(path).catch(() => path)
  return spelling(real) ?? path
}

function spelled (lists: FolderPaths): { key: string, text: string, path: string | undefined }[] {
  return Object.entries(lists).flatMap(([key, list]) => list.map((text) => ({ key, text, path: spelling(text) })))
}

/** The whole file system as one model folder can only be a mistake. */
function spelling (text: string): string | undefined {
  try {
    const path = normalizeClientPath(text)
    return path === '/' ? undefined : path
  } catch (error) {
    if (error instanceof DomainError) return undefined
    throw error
  }
}

async function resolved (lists: FolderPaths): Promise<Folder[]> {
  const folders = spelled(lists).flatMap(({ key, text, path }) => path === undefined ? [] : [{ key, text, path }])
  return await Promise.all(folders.map(async (folder) => ({ ...folder, real: await realPathOrSpelling(folder.path) })))
}

async function findNonDirectory (folders: readonly Folder[]): Promise<Refusal | undefined> {
  for (const { key, text, path } of folders) {
    const found = await stat(path).catch(() => undefined)
    if (found && !found.isDirectory()) return refusal('path-not-a-directory', `"${text}" in ${key} is not a directory`)
  }
  return undefined
}

function findSharedKinds (folders: readonly Folder[]): Refusal | undefined {
  const checkpoints = folders.filter(({ key }) => key === 'checkpoints')
  const shared = folders.find(({ key, real }) => key === 'unet' && checkpoints.some((other) => same(other.real, real)))
  return shared && refusal('path-shared', `"${shared.text}" can't be a folder for checkpoints and for diffusion models (unet) at once`)
}

async function findOverlap (primary: readonly Folder[], extra: readonly Folder[]): Promise<Refusal | undefined> {
  for (const folder of extra) {
    for (const main of primary.filter(({ key }) => key === folder.key)) {
      if (same(main.real, folder.real) || (await linkTargets(main.path)).some((target) => same(target, folder.real))) {
        return refusal('path-overlap', `The extra ${folder.key} folder "${folder.text}" is already part of "${main.text}"`)
      }
    }
  }
  return undefined
}

async function linkTargets (path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return await Promise.all(entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => realPathOrSpelling(join(path, name))))
}

async function findTaken (primary: readonly Folder[], others: ReadonlyMap<string, Library>): Promise<Refusal | undefined> {
  for (const [name, library] of others) {
    const theirs = await resolved(library.folder_paths)
    const taken = primary.find(({ key, real }) => theirs.some((folder) => folder.key === key && same(folder.real, real)))
    if (taken) return refusal('path-taken', `"${taken.text}" in ${taken.key} already belongs to the library "${name}"`)
  }
  return undefined
}

function same (left: string, right: string): boolean {
  return pathKey(left) === pathKey(right)
}

/** Whether one of two directories is, or lies inside, the other. */
export function overlapping (left: string, right: string): boolean {
  return containedIn(left, right) || containedIn(right, left)
}

function refusal (code: string, reason: string): Refusal {
  return { code, reason }
}

import { isDeepStrictEqual } from 'node:util'
import { InvalidInputError } from '../errors.ts'
import { isRecord, isReservedName } from './plain-data.ts'
import { settingRow, settingRows } from './schema.ts'
import type { SettingsDocument } from './document.ts'
import type { FolderPaths, Library } from './types.ts'

export const DEFAULT_LIBRARY = 'default'
const MAX_NAME = 100

/** Keys of a library that are settings too. */
export const libraryKeys: readonly string[] = settingRows.filter(({ perLibrary }) => perLibrary).map(({ key }) => key)

/** ISO UTC without fraction, as libraries carry their times. */
export function libraryTime (now: number): string {
  return new Date(now).toISOString().replace(/\.\d+Z$/, '+00:00')
}

/** A whole library from whatever a file or a client gave for one; unknown keys stay. */
export function libraryFrom (raw: unknown, now: number): Library {
  const given = isRecord(raw) ? raw : {}
  const time = libraryTime(now)
  const library: Library = {
    folder_paths: {} as FolderPaths,
    extra_folder_paths: {} as FolderPaths,
    default_lora_root: '',
    default_checkpoint_root: '',
    default_unet_root: '',
    default_embedding_root: '',
    recipes_path: '',
    created_at: typeof given['created_at'] === 'string' ? given['created_at'] : time,
    updated_at: typeof given['updated_at'] === 'string' ? given['updated_at'] : time
  }
  const known = Object.fromEntries(libraryKeys.map((key) => [key, readPerLibrary(key, given[key])]))
  const rest = Object.entries(given).filter(([key]) => !Object.hasOwn(library, key) && !isReservedName(key))
  return { ...library, ...known, ...Object.fromEntries(rest) }
}

function readPerLibrary (key: string, raw: unknown): unknown {
  const row = settingRow(key)
  const reading = raw === undefined ? undefined : row?.kind.read(raw)
  return reading && 'value' in reading ? reading.value : row?.fallback
}

/** The registry of a document: bootstrapped from the top-level paths where there is none, hand edits of those adopted. */
export function librariesOf (document: SettingsDocument, now: number): { libraries: ReadonlyMap<string, Library>, active: string } {
  const libraries = new Map<string, Library>()
  const registry = document.get('libraries')
  for (const [name, raw] of isRecord(registry) ? Object.entries(registry) : []) {
    if (name.trim() !== '' && !isReservedName(name)) libraries.set(name, libraryFrom(raw, now))
  }
  const named = document.get('active_library')
  const wanted = typeof named === 'string' && named.trim() !== '' && !isReservedName(named) ? named : DEFAULT_LIBRARY
  const [only] = libraries.size === 1 ? libraries : []
  const topLevel = libraryFrom(Object.fromEntries(libraryKeys.map((key) => [key, document.get(key)])), now)
  if (libraries.size === 0) {
    libraries.set(wanted, topLevel)
  } else if (only && !hasFolders(only[1].folder_paths) && hasFolders(topLevel.folder_paths)) {
    libraries.set(only[0], { ...only[1], ...pick(topLevel, libraryKeys) })
  }
  const active = libraries.has(wanted) ? wanted : [...libraries.keys()][0] ?? wanted
  adoptHandEdits(libraries, active, topLevel)
  return { libraries, active }
}

/**
 * People edit the folders at the top level of the file. What stands there is taken when it is something, differs from the
 * active library and is no other library's; else it is drift, and the library wins.
 */
function adoptHandEdits (libraries: Map<string, Library>, active: string, topLevel: Library): void {
  for (const key of ['folder_paths', 'extra_folder_paths'] as const) {
    const library = libraries.get(active)
    const edited = topLevel[key]
    if (!library || !hasFolders(edited)) continue
    const taken = [...libraries.values()].some((other) => isDeepStrictEqual(other[key], edited))
    if (!taken) libraries.set(active, { ...library, [key]: edited })
  }
}

export function hasFolders (folders: FolderPaths): boolean {
  return Object.values(folders).some((list) => list.length > 0)
}

function pick (library: Library, keys: readonly string[]): Partial<Library> {
  return Object.fromEntries(keys.map((key) => [key, library[key]]))
}

/** @throws InvalidInputError for a name that no library may have */
export function checkedLibraryName (raw: unknown): string {
  const name = typeof raw === 'string' ? raw.trim() : ''
  if (name === '') throw new InvalidInputError('Library name is required', 'library-name-required')
  // eslint-disable-next-line no-control-regex
  const unusable = name.length > MAX_NAME || /[\u0000-\u001f\u007f/\\]/.test(name) || /^\.+$/.test(name) || isReservedName(name)
  if (unusable) throw new InvalidInputError('This library name can\'t be used', 'library-name-invalid')
  return name
}

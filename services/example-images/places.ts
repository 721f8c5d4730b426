import { createHash } from 'node:crypto'
import { normalizeClientPath } from '../files/safe-path.ts'
import { safeLibraryName } from '../database/cache.ts'
import type { SettingsManager } from '../settings/types.ts'
import { ExampleImagesUnavailableError } from './errors.ts'
import { isModelHash } from './model-hash.ts'

/** Where cleaned up and deleted images go, in the folder of the library they belonged to. */
export const BIN_NAME = '_deleted'

/** Where the example images of one library lie. */
export interface ExamplePlace {
  /** The folder of the setting. */
  root: string
  /** Name of the library as the settings know it. */
  library: string
  /** `root` itself, or a folder in it when there are several libraries. */
  libraryRoot: string
  /** Path of `libraryRoot` below `root`, "" for the root itself. */
  prefix: string
  /** Where images of this library may still lie from the time of another layout, as prefixes; looked at after `prefix`. */
  formerPrefixes: readonly string[]
}

export interface ExamplePlaces {
  /** Undefined while no folder is configured, or the configured one is no absolute path. */
  find (): ExamplePlace | undefined
  /** @throws ExampleImagesUnavailableError */
  required (): ExamplePlace
}

/** Decided at every call: setting and libraries may change at any time. */
export function createExamplePlaces ({ settings }: { settings: Pick<SettingsManager, 'get' | 'libraries' | 'activeLibrary'> }): ExamplePlaces {
  function find (): ExamplePlace | undefined {
    const root = rootOf(settings.get('example_images_path'))
    if (root === undefined) return undefined
    const libraries = Object.keys(settings.libraries())
    const { name } = settings.activeLibrary()
    const folders = libraryFolders(libraries.includes(name) ? libraries : [...libraries, name])
    const own = folders.get(name) ?? safeLibraryName(name)
    const prefix = folders.size > 1 ? own : ''
    return { root, library: name, prefix, libraryRoot: prefix === '' ? root : `${root}/${prefix}`, formerPrefixes: prefix === '' ? [own] : [''] }
  }
  return {
    find,
    required () {
      const place = find()
      if (!place) throw new ExampleImagesUnavailableError()
      return place
    }
  }
}

/** For the journal: the folder of example images, with the bin that other programs know as its trash. */
export function examplesRoot (settings: Pick<SettingsManager, 'get'>): { path: string, trash: string }[] {
  const path = rootOf(settings.get('example_images_path'))
  return path === undefined ? [] : [{ path, trash: BIN_NAME }]
}

export function isSamePlace (one: ExamplePlace | undefined, other: ExamplePlace | undefined): boolean {
  return one?.library === other?.library && one?.root === other?.root && one?.prefix === other?.prefix
}

export function hashFolder ({ libraryRoot }: Pick<ExamplePlace, 'libraryRoot'>, hash: string): string {
  return `${libraryRoot}/${hash}`
}

/** Folder names of libraries: as other programs spell them, save where that would be no safe name or that of another library too. */
export function libraryFolders (libraries: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>()
  const folders = new Map<string, string>()
  for (const library of libraries) {
    const safe = safeLibraryName(library)
    const unusable = [/^\.+$/.test(safe), safe === BIN_NAME, isModelHash(safe), taken.has(safe.toLowerCase())].includes(true)
    const folder = unusable ? `${safe.replace(/^\.+$/, 'library')}-${createHash('sha256').update(library).digest('hex').slice(0, 8)}` : safe
    taken.add(folder.toLowerCase())
    folders.set(library, folder)
  }
  return folders
}

function rootOf (setting: unknown): string | undefined {
  if (typeof setting !== 'string' || setting.trim() === '') return undefined
  try {
    const path = normalizeClientPath(setting.trim())
    return path === '/' ? undefined : path
  } catch {
    // Written by hand into the file; saving it through the settings is refused with the reason.
    return undefined
  }
}

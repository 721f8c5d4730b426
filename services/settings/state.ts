import { isDeepStrictEqual } from 'node:util'
import { pathKey } from '../files/safe-path.ts'
import { DEFAULT_LIBRARY, libraryFrom, librariesOf } from './libraries.ts'
import { deepFreeze } from './plain-data.ts'
import { defaultRootFolders, defaultRootKeys, PLACEHOLDER_KEY, settingRow, settingRows } from './schema.ts'
import type { DefaultRootKey } from './schema.ts'
import type { SettingsDocument } from './document.ts'
import type { FolderPaths, Library, ModelsOverlay } from './types.ts'

/** Everything that was set. Never changed in place: a save makes a new state, writes it and then takes it. */
export interface SettingsState {
  /** Top-level keys as stored; those of libraries count in `libraries` only. */
  readonly stored: ReadonlyMap<string, unknown>
  readonly libraries: ReadonlyMap<string, Library>
  /** Name of the stored active library. */
  readonly active: string
  /** The library that this run was started with; it is active and never stored. */
  readonly runLibrary: { readonly name: string, readonly library: Library } | null
}

export function stateOf (document: SettingsDocument, overlay: ModelsOverlay | null, now: number): SettingsState {
  const { libraries, active } = librariesOf(document, now)
  const stored = new Map(document)
  if (stored.get('civitai_api_key') === PLACEHOLDER_KEY) stored.delete('civitai_api_key')
  const run = overlay && { name: overlay.libraryName, library: libraryFrom({ folder_paths: overlay.folder_paths }, now) }
  const state = { stored, libraries, active, runLibrary: run && { name: run.name, library: withDefaultRoots(run.library) } }
  return { ...state, libraries: new Map([...libraries].map(([name, library]) => [name, withDefaultRoots(library)])) }
}

export function activeOf (state: SettingsState): { name: string, library: Library } {
  if (state.runLibrary) return state.runLibrary
  const library = state.libraries.get(state.active)
  return { name: state.active, library: library ?? libraryFrom({}, 0) }
}

export function withActiveLibrary (state: SettingsState, library: Library): SettingsState {
  const complete = withDefaultRoots(library)
  if (state.runLibrary) return { ...state, runLibrary: { ...state.runLibrary, library: complete } }
  return { ...state, libraries: new Map([...state.libraries, [state.active, complete]]) }
}

/** Every library a client may see, the one of this run included. */
export function visibleLibraries (state: SettingsState): ReadonlyMap<string, Library> {
  return state.runLibrary ? new Map([...state.libraries, [state.runLibrary.name, state.runLibrary.library]]) : state.libraries
}

/** A default root that is empty or none of the type's folders becomes the first of them, primary ones first. */
export function withDefaultRoots (library: Library): Library {
  const chosen = defaultRootKeys.map((key) => [key, chosenRoot(library, key)] as const)
  return { ...library, ...Object.fromEntries(chosen) }
}

function chosenRoot (library: Library, key: DefaultRootKey): string {
  const candidates = rootCandidates(library, key)
  const same = candidates.some((candidate) => sameFolder(candidate, library[key]))
  return same ? library[key] : candidates[0] ?? library[key]
}

export function rootCandidates (library: Library, key: DefaultRootKey): string[] {
  const folders = (lists: FolderPaths): string[] => lists[defaultRootFolders[key]] ?? []
  return [...folders(library.folder_paths), ...folders(library.extra_folder_paths)]
}

/** Slash style and a trailing slash don't matter, nor does case where a path begins with a drive letter. */
export function sameFolder (left: string, right: string): boolean {
  const spelled = (path: string): string => {
    const slashed = path.replaceAll('\\', '/').replace(/(?<=.)\/+$/, '')
    return pathKey(slashed, /^[A-Za-z]:/.test(slashed))
  }
  return spelled(left) === spelled(right)
}

/** What holds now, key by key: environment over file over default. Frozen; keys without a value are absent. */
export function effectiveValues (state: SettingsState, overlay: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  const { name, library } = activeOf(state)
  const values = new Map<string, unknown>()
  for (const row of settingRows) values.set(row.key, row.perLibrary ? library[row.key] : read(row.key, state.stored.get(row.key)))
  for (const [key, value] of state.stored) if (!settingRow(key)) values.set(key, value)
  for (const [key, value] of Object.entries(overlay)) {
    if (value !== undefined && value !== null && value !== '') values.set(key, read(key, value))
  }
  values.set('libraries', Object.fromEntries(visibleLibraries(state)))
  values.set('active_library', name)
  return new Map([...values].filter(([, value]) => value !== undefined && value !== null).map(([key, value]) => [key, deepFreeze(value)]))
}

function read (key: string, raw: unknown): unknown {
  const row = settingRow(key)
  if (!row) return raw
  const reading = raw === undefined || raw === null ? undefined : row.kind.read(raw)
  return reading && 'value' in reading ? reading.value : row.fallback
}

/** Names of the keys whose value is another one. */
export function changedKeys (before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Set<string> {
  const keys = new Set([...before.keys(), ...after.keys()])
  return new Set([...keys].filter((key) => !isDeepStrictEqual(before.get(key), after.get(key))))
}

export const emptyDocument: SettingsDocument = new Map([['active_library', DEFAULT_LIBRARY]])

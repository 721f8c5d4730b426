import { isDeepStrictEqual } from 'node:util'
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts'
import { findLibraryProblem } from './change.ts'
import { checkedLibraryName, libraryFrom, libraryKeys, libraryTime } from './libraries.ts'
import { isRecord, plainCopy } from './plain-data.ts'
import { findRecipesProblem, recipesPathFrom } from './recipes-directory.ts'
import { settingRow } from './schema.ts'
import { visibleLibraries, withDefaultRoots } from './state.ts'
import type { SettingsState } from './state.ts'
import type { Library, LibraryPatch } from './types.ts'

/** @throws NotFoundError */
export function requireLibrary (state: SettingsState, name: string): Library {
  const library = visibleLibraries(state).get(name)
  if (!library) throw new NotFoundError(`Library not found: ${name}`, 'library-not-found')
  return library
}

/** The state with a library made or changed. @throws InvalidInputError with the reason, ConflictError for a name too like another's */
export async function planLibrary (state: SettingsState, rawName: string, patch: LibraryPatch, now: number): Promise<{ next: SettingsState, created: boolean, changed: boolean }> {
  const known = visibleLibraries(state).get(rawName)
  const name = known ? rawName : checkedLibraryName(rawName)
  const before = visibleLibraries(state).get(name)
  if (!before) refuseLikeName(state, name)
  const values = Object.entries(patch).map(([key, raw]) => [key, readPart(key, raw)] as const)
  const changed = new Set(values.filter(([key, value]) => !isDeepStrictEqual(before?.[key], value)).map(([key]) => key))
  if (before && changed.size === 0) return { next: state, created: false, changed: false }
  const requested: Library = { ...before ?? libraryFrom({}, now), ...Object.fromEntries(values), updated_at: libraryTime(now) }
  const others = new Map([...visibleLibraries(state)].filter(([other]) => other !== name))
  const problem = await findLibraryProblem(requested, others, changed) ??
    (changed.has('recipes_path') ? await findRecipesProblem(before ?? libraryFrom({}, now), requested) : undefined)
  if (problem) throw new InvalidInputError(problem.reason, problem.code)
  return { next: withLibrary(state, name, withDefaultRoots(requested)), created: before === undefined, changed: true }
}

function readPart (key: string, raw: unknown): unknown {
  if (key === 'metadata') {
    const copy = isRecord(raw) ? plainCopy(raw) : { reason: 'must be an object' }
    if ('reason' in copy) throw new InvalidInputError(`metadata ${copy.reason}`, 'setting-invalid')
    return copy.value
  }
  const row = libraryKeys.includes(key) ? settingRow(key) : undefined
  if (!row) throw new InvalidInputError(`"${key.slice(0, 100)}" is no part of a library`, 'library-key-unknown')
  const reading = raw === null ? { value: row.fallback } : row.kind.read(raw)
  if ('reason' in reading) throw new InvalidInputError(`${key} ${reading.reason}`, 'setting-invalid')
  return key === 'recipes_path' ? recipesPathFrom(String(reading.value)) : reading.value
}

function withLibrary (state: SettingsState, name: string, library: Library): SettingsState {
  if (state.runLibrary?.name === name) return { ...state, runLibrary: { name, library } }
  return { ...state, libraries: new Map([...state.libraries, [name, library]]) }
}

/** The library under its new name, in its old place. */
export function withRenamedLibrary (state: SettingsState, from: string, rawTo: string): SettingsState {
  requireLibrary(state, from)
  refuseRunLibrary(state, from)
  const to = checkedLibraryName(rawTo)
  if (to === from) return state
  refuseLikeName(state, to, from)
  const libraries = new Map([...state.libraries].map(([name, library]) => [name === from ? to : name, library]))
  return { ...state, libraries, active: state.active === from ? to : state.active }
}

export function withoutLibrary (state: SettingsState, name: string): SettingsState {
  requireLibrary(state, name)
  refuseRunLibrary(state, name)
  const libraries = new Map([...state.libraries].filter(([other]) => other !== name))
  const [first] = libraries.keys()
  if (first === undefined) throw new ConflictError('At least one library must remain', 'library-last')
  return { ...state, libraries, active: state.active === name ? first : state.active }
}

function refuseRunLibrary (state: SettingsState, name: string): void {
  if (state.runLibrary?.name === name) throw new ConflictError('The library of this run was given at the start and is not stored', 'library-of-run')
}

/** Files are named after libraries, and not every character can be in a file name: names that would share files are one name. */
function refuseLikeName (state: SettingsState, name: string, except?: string): void {
  const asFile = (text: string): string => text.replace(/[^A-Za-z0-9_.-]/g, '_').toLowerCase()
  const taken = [...visibleLibraries(state).keys()].find((other) => other !== except && asFile(other) === asFile(name))
  if (taken !== undefined) throw new ConflictError(`The name is taken by, or too similar to, the library "${taken}"`, 'library-name-taken')
}

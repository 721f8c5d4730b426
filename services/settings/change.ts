import { isDeepStrictEqual } from 'node:util'
import { InvalidInputError } from '../errors.ts'
import { PLACEHOLDERS, unknownPlaceholders } from '../models/path-template.ts'
import { findExampleImagesProblem } from './example-images-directory.ts'
import { findDefaultRootProblem, findFolderProblem, realFolders, realPathOrSpelling } from './folder-rules.ts'
import { isReservedName, plainCopy } from './plain-data.ts'
import { findRecipesProblem, recipesDirectory, recipesPathFrom } from './recipes-directory.ts'
import { DELETE_WORD, SECRET_MASK, settingRow } from './schema.ts'
import { activeOf, visibleLibraries, withActiveLibrary } from './state.ts'
import { answeredOnly } from './answer.ts'
import { libraryTime } from './libraries.ts'
import type { Reading } from './kinds.ts'
import type { SettingRow } from './schema.ts'
import type { SettingsState } from './state.ts'
import type { Library, Refusal } from './types.ts'

/** The state that a patch asks for, with the keys it really changes; or why it can't be. Nothing is applied here. */
export type Change = { next: SettingsState, keys: ReadonlySet<string> } | { refusal: Refusal }

type Step = { value: unknown } | { unchanged: true } | { refusal: Refusal }

const MAX_OTHER_KEYS = 1000

/** @throws InvalidInputError for a key that would reach into a prototype */
export async function planChange (state: SettingsState, effective: ReadonlyMap<string, unknown>, patch: Record<string, unknown>, now: number): Promise<Change> {
  const stored = new Map(state.stored)
  const ofLibrary: Record<string, unknown> = {}
  const keys = new Set<string>()
  for (const [key, raw] of Object.entries(patch)) {
    const step = planKey(key, raw, effective)
    if ('refusal' in step) return step
    if ('unchanged' in step) continue
    keys.add(key)
    if (settingRow(key)?.perLibrary) ofLibrary[key] = step.value
    else if (step.value === undefined) stored.delete(key)
    else stored.set(key, step.value)
  }
  if ([...stored.keys()].filter((key) => !settingRow(key)).length > MAX_OTHER_KEYS) return refuse('settings-too-many', 'There are too many settings')
  let next: SettingsState = { ...state, stored }
  if (Object.keys(ofLibrary).length > 0) next = withActiveLibrary(next, { ...activeOf(state).library, ...ofLibrary, updated_at: libraryTime(now) })
  const requested = { ...activeOf(state).library, ...ofLibrary }
  const refusal = await findProblem(state, next, requested, keys, String(stored.get('example_images_path') ?? ''))
  return refusal ? { refusal } : { next, keys }
}

function planKey (key: string, raw: unknown, effective: ReadonlyMap<string, unknown>): Step {
  if (isReservedName(key)) throw new InvalidInputError('This is no name for a setting', 'setting-name-invalid')
  if (key === '' || key.length > 200) return refuse('setting-name-invalid', 'The name of a setting must have 1 to 200 characters')
  if (answeredOnly(key)) return { unchanged: true }
  const row = settingRow(key)
  if (row && ['secret', 'masked'].includes(row.exposure) && raw === SECRET_MASK) return { unchanged: true }
  const reading = raw === null || (row && raw === DELETE_WORD) ? { value: row?.fallback } : row ? readFor(row, raw) : plainCopy(raw)
  if ('reason' in reading) return refuse('setting-invalid', `${key} ${reading.reason}`)
  if (isDeepStrictEqual(reading.value, effective.get(key))) return { unchanged: true }
  if (row?.locked) return refuse('setting-locked', `${key} ${row.locked}`)
  return { value: reading.value }
}

function readFor (row: SettingRow, raw: unknown): Reading {
  const reading = row.kind.read(raw)
  if ('reason' in reading) return reading
  if (row.key === 'recipes_path') return { value: recipesPathFrom(String(reading.value)) }
  return row.key === 'download_path_templates' ? refuseUnknownPlaceholders(reading.value) : reading
}

/** A file may hold them, as the existing program writes them into paths as they stand; nobody is to save them any more. */
function refuseUnknownPlaceholders (templates: unknown): Reading {
  const unknown = Object.values(templates as Record<string, string>).flatMap(unknownPlaceholders)
  return unknown.length === 0 ? { value: templates } : { reason: `must not hold ${[...new Set(unknown)].join(', ')}: there are only ${PLACEHOLDERS.join(', ')}` }
}

/** What only the disk and the other libraries can tell. */
async function findProblem (before: SettingsState, after: SettingsState, requested: Library, keys: ReadonlySet<string>, examples: string): Promise<Refusal | undefined> {
  const { name, library } = activeOf(after)
  const others = new Map([...visibleLibraries(after)].filter(([other]) => other !== name))
  const refusal = await findLibraryProblem(requested, others, keys) ??
    (keys.has('recipes_path') ? await findRecipesProblem(activeOf(before).library, library) : undefined)
  if (refusal || !keys.has('example_images_path') || examples === '') return refusal
  return await findExampleImagesProblem(examples, await ownedDirectories(visibleLibraries(after).values()))
}

/** Why a library as it was asked for (its default roots not corrected yet) can't be, or undefined. */
export async function findLibraryProblem (library: Library, others: ReadonlyMap<string, Library>, changed: ReadonlySet<string>): Promise<Refusal | undefined> {
  return await findFolderProblem(library, others, changed) ?? findDefaultRootProblem(library, changed)
}

/** Real paths of everything that must never be taken for example images. */
export async function ownedDirectories (all: Iterable<Library>): Promise<string[]> {
  const libraries = [...all]
  const recipes = libraries.flatMap((library) => recipesDirectory(library) ?? [])
  return [...await realFolders(libraries), ...await Promise.all(recipes.map(realPathOrSpelling))]
}

function refuse (code: string, reason: string): { refusal: Refusal } {
  return { refusal: { code, reason } }
}

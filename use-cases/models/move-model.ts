import { DomainError, InvalidInputError } from '../../services/errors.ts'
import type { Journal } from '../../services/journal/types.ts'
import { createDefaultFolders, type DefaultFolders } from '../../services/models/default-folder.ts'
import type { ModelEntry } from '../../services/models/entry.ts'
import { stemOf } from '../../services/models/file-set.ts'
import { createFolderListings, type FolderListings } from '../../services/models/folder-listings.ts'
import { offlineRoots, requireOnline } from '../../services/models/online-roots.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { relocateModels } from '../../services/models/relocate-models.ts'
import { freeStem, planRelocation, type Relocation } from '../../services/models/relocation.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import { cacheEntry } from './cache-entry.ts'
import { findSource, requiredField, type Source } from './find-source.ts'
import { findTarget, isSameFolder, type Target } from './find-target.ts'

export interface MoveDeps { library: ModelLibrary, journal: Journal, hub: ProgressHub, settings: Pick<SettingsManager, 'get'> }

export interface MoveInput { file_path?: unknown, target_path?: unknown, use_default_paths?: unknown }

export interface MoveAnswer {
  original_file_path: string
  new_file_path: string
  message?: string
  cache_entry?: ModelEntry
}

export const SAME_FOLDER = 'The model is in this folder already'
const MISSING = 'File path and target path are required'

/** Takes a model with everything that belongs to it to another folder of its type; a taken name gets a suffix. */
export const moveModel = (deps: MoveDeps) => async (input: MoveInput): Promise<MoveAnswer> => {
  const original = requiredField(input.file_path, MISSING)
  const targetPath = requiredField(input.target_path, MISSING)
  try {
    const defaults = input.use_default_paths === true ? createDefaultFolders(deps.settings, deps.library.type.name) : null
    return await move(deps, { original, targetPath, defaults })
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    throw new DomainError(error.kind, error.code, error.message, { ...error.fields, original_file_path: original, new_file_path: null }, { cause: error })
  }
}

async function move (deps: MoveDeps, { original, targetPath, defaults }: { original: string, targetPath: string, defaults: DefaultFolders | null }): Promise<MoveAnswer> {
  const { library } = deps
  const source = findSource(library, original)
  const target = findTarget(library, targetPath, source.model, defaults)
  requireOnline(offlineRoots(library), source.root, target.root)
  const { file_path: from } = source.model
  if (await isSameFolder(directoryOf(from), target.directory)) return { message: SAME_FOLDER, original_file_path: original, new_file_path: from }

  return await library.exclusively([from, target.directory + from.slice(from.lastIndexOf('/'))], async () => {
    const relocation = await planMove(source, target, createFolderListings())
    const { outcomes, models } = await relocateModels(deps, { kind: 'move', route: 'move_model', summary: `Move ${relocation.unit.label} to ${target.directory}`, relocations: [relocation] })
    const error = outcomes[0]?.error
    if (error) throw new DomainError(error.kind, error.code, error.message)
    const moved = models.get(relocation.to)
    return { original_file_path: original, new_file_path: relocation.to, ...(moved && { cache_entry: cacheEntry(moved) }) }
  })
}

export function directoryOf (path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** @throws ConflictError when a companion's name is taken, InvalidInputError for a name that gets too long */
export async function planMove ({ model }: Source, { directory, root }: Target, listings: FolderListings): Promise<Relocation> {
  const stem = stemOf(model.file_path.slice(model.file_path.lastIndexOf('/') + 1))
  if (stem === '') throw new InvalidInputError('The path is not that of a file', 'path-invalid')
  return await planRelocation(model, { directory, stem: freeStem(stem, model.sha256, await listings.of(directory)), subType: root.subType }, listings)
}

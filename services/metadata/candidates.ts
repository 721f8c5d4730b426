import { eachModel } from '../models/each-model.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { Lookups } from './lookups.ts'

export interface CandidateDeps {
  settings: Pick<SettingsManager, 'get'>
  lookups: Pick<Lookups, 'incomplete'>
}

export interface Candidates {
  /** Paths of the models to ask for, those with a hash first. */
  hashed: string[]
  unhashed: string[]
  /** All models of the type. */
  total: number
}

/** Which models a refresh of a whole type asks for: those that nobody has told of yet, without those that the user left out. */
export async function findCandidates (library: ModelLibrary, { settings, lookups }: CandidateDeps): Promise<Candidates> {
  const incomplete = lookups.incomplete()
  const skipped = skipPaths(settings)
  const archiveOn = settings.get('enable_metadata_archive_db') === true
  const found: Candidates = { hashed: [], unhashed: [], total: 0 }
  await eachModel(library.index, (model) => {
    found.total++
    if (!isWanted(model, { incomplete, skipped, archiveOn })) return
    if (model.sha256 === '') found.unhashed.push(model.file_path)
    else found.hashed.push(model.file_path)
  })
  return found
}

interface Rules { incomplete: ReadonlySet<string>, skipped: readonly string[], archiveOn: boolean }

function isWanted (model: IndexedModel, { incomplete, skipped, archiveOn }: Rules): boolean {
  if (model.skip_metadata_refresh || model.hf_url !== '') return false
  if (skipped.some((path) => model.folder === path || model.folder.startsWith(`${path}/`))) return false
  if (model.civitai?.id !== undefined) return model.sha256 !== '' && incomplete.has(model.sha256)
  return model.from_civitai || !model.civitai_deleted || (archiveOn && !model.db_checked)
}

/** Folders below a root, as the lists give them. */
function skipPaths (settings: Pick<SettingsManager, 'get'>): string[] {
  const paths = settings.get<unknown>('metadata_refresh_skip_paths')
  if (!Array.isArray(paths)) return []
  return paths.filter((path) => typeof path === 'string').map((path) => path.replaceAll('\\', '/').replace(/^\/+|\/+$/g, '')).filter((path) => path !== '')
}

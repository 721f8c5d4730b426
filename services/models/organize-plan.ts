import { lstat } from 'node:fs/promises'
import { createGlob } from '../files/glob.ts'
import { createSlices, mapInSlices } from '../jobs/slices.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createDefaultFolders } from './default-folder.ts'
import { eachModel } from './each-model.ts'
import type { IndexedModel } from './entry.ts'
import { stemOf } from './file-set.ts'
import { createFolderListings } from './folder-listings.ts'
import { offlineRoots } from './online-roots.ts'
import type { ModelLibrary } from './ports.ts'
import type { ModelTypeName } from './types.ts'

export interface OrganizeRequest {
  /** Models to look at; null is all of the type. */
  filePaths: readonly string[] | null
  /** Shell globs of what stays where it is; null takes the user's setting. */
  exclusions: readonly string[] | null
}

export interface PlannedMove {
  from: string
  to: string
  /** For people: what the folder was made from. */
  reason: string
  /** Bytes and modification time (milliseconds) of the model file when the plan was made. */
  size: number
  mtime_ms: number
}

export interface PlanConflict { from: string, to: string, reason: string }

/** `quiet` ones are where they belong: nothing to tell. */
export interface Untouched { path: string, reason: string, quiet: boolean }

export interface OrganizePlan {
  model_type: ModelTypeName
  operation_type: 'all' | 'bulk'
  /** `flat` when the template is empty: everything belongs at its root. */
  organization_type: 'flat' | 'structured'
  /** Models that were looked at. */
  total: number
  moves: PlannedMove[]
  conflicts: PlanConflict[]
  untouched: Untouched[]
}

export interface PlanDeps { library: ModelLibrary, settings: Pick<SettingsManager, 'get'> }

/** Which models a run is about, before anything is looked up on the disk. */
export interface Selection { models: IndexedModel[], unknown: string[], excluded: string[] }

const LOOKS = 16

/**
 * The models a request names, in the order of the index, without those that an exclusion matches.
 * @throws PathOutsideLibraryError, InvalidInputError for a path outside the library
 */
export async function selectModels ({ library, settings }: PlanDeps, { filePaths, exclusions }: OrganizeRequest): Promise<Selection> {
  const isExcluded = createExclusion(library, exclusions ?? settings.get<readonly string[]>('auto_organize_exclusions'))
  const wanted = filePaths === null ? null : new Set(await mapInSlices(filePaths, (path) => library.contain(path).path))
  const selection: Selection = { models: [], unknown: [], excluded: [] }
  await eachModel(library.index, (model) => {
    if (wanted !== null && !wanted.delete(model.file_path)) return
    if (isExcluded(model)) selection.excluded.push(model.file_path)
    else selection.models.push(model)
  })
  if (wanted !== null) selection.unknown.push(...wanted)
  return selection
}

function createExclusion (library: ModelLibrary, patterns: readonly string[]): (model: IndexedModel) => boolean {
  const globs = patterns.map((pattern) => createGlob(pattern, { foldCase: process.platform === 'win32' }))
  if (globs.length === 0) return () => false
  const roots = new Map(library.roots().map((root) => [root.id, root.path]))
  return ({ file_path: path, root_id: root }) => {
    const relative = path.slice((roots.get(root) ?? '').length).replace(/^\//, '')
    const texts = [path.slice(path.lastIndexOf('/') + 1), relative, path]
    return globs.some((matches) => texts.some(matches))
  }
}

/** Where every selected model belongs by the templates. Reads folders and file times, changes nothing. */
export async function planOrganize (deps: PlanDeps, selection: Selection, operationType: 'all' | 'bulk', signal?: AbortSignal): Promise<OrganizePlan> {
  const { library, settings } = deps
  const defaults = createDefaultFolders(settings, library.type.name)
  const flat = defaults.template(undefined) === ''
  const plan: OrganizePlan = {
    model_type: library.type.name,
    operation_type: operationType,
    organization_type: flat ? 'flat' : 'structured',
    total: selection.models.length + selection.unknown.length,
    moves: [],
    conflicts: selection.unknown.map((path) => ({ from: path, to: path, reason: 'The library knows no such model' })),
    untouched: selection.excluded.map((path) => ({ path, reason: 'Excluded', quiet: true }))
  }
  const roots = new Map(library.roots().map((root) => [root.id, root]))
  const offline = offlineRoots(library)
  const wishes: Wish[] = []
  const slice = createSlices()
  for (const model of selection.models) {
    await slice()
    const root = roots.get(model.root_id)
    if (!root || offline.has(root.id)) {
      plan.untouched.push({ path: model.file_path, reason: 'The disk of its folder is away', quiet: false })
      continue
    }
    const template = defaults.template(model.sub_type)
    const folder = defaults.folder(model)
    const place = placeOf(model, root.path, template, folder)
    if ('reason' in place) plan.untouched.push({ path: model.file_path, ...place })
    else wishes.push({ model, to: place.to, reason: template === '' ? 'Flat: at the root' : `${template} → ${folder}` })
  }
  await claimTargets(plan, wishes, signal)
  return plan
}

interface Wish { model: IndexedModel, to: string, reason: string }

function placeOf (model: IndexedModel, root: string, template: string, folder: string): { to: string } | { reason: string, quiet: boolean } {
  const slash = model.file_path.lastIndexOf('/')
  const at = model.file_path.slice(0, slash)
  if (template !== '' && folder === '') return { reason: 'The template gives no folder for it', quiet: false }
  const directory = folder === '' ? root : `${root}/${folder}`
  if (directory !== at) return { to: directory + model.file_path.slice(slash) }
  return template === '' ? { reason: 'It lies at the root already', quiet: false } : { reason: 'It is where it belongs', quiet: true }
}

/** Decides, in the order of the models, who gets which place; what leaves its place makes room for those after it. */
async function claimTargets (plan: OrganizePlan, wishes: readonly Wish[], signal?: AbortSignal): Promise<void> {
  const listings = createFolderListings()
  for (let at = 0; at < wishes.length; at += LOOKS) {
    signal?.throwIfAborted()
    const some = wishes.slice(at, at + LOOKS)
    const stats = await Promise.all(some.map(async ({ model }) => await lookAt(model.file_path)))
    for (const [n, { model, to, reason }] of some.entries()) {
      const from = model.file_path
      const stat = stats[n]
      const [fromName, toName] = [from, to].map((path) => path.slice(path.lastIndexOf('/') + 1))
      const source = await listings.of(from.slice(0, from.lastIndexOf('/')))
      const target = await listings.of(to.slice(0, to.lastIndexOf('/')))
      if (!stat) {
        plan.conflicts.push({ from, to, reason: 'The file is not there any more' })
      } else if (target.hasModel(stemOf(toName ?? ''))) {
        plan.conflicts.push({ from, to, reason: 'A model of this name is at the destination already' })
      } else {
        source.take(fromName ?? '')
        target.put(toName ?? '')
        plan.moves.push({ from, to, reason, size: stat.size, mtime_ms: stat.mtimeMs })
      }
    }
  }
}

async function lookAt (path: string): Promise<{ size: number, mtimeMs: number } | null> {
  try {
    const { size, mtimeMs } = await lstat(path)
    return { size, mtimeMs }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null
    throw error
  }
}

/** What is not any more as a plan found it, one sentence for each file; empty when it can be carried out as it stands. */
export async function findPlanChanges (moves: readonly PlannedMove[]): Promise<{ path: string, reason: string }[]> {
  const changed: { path: string, reason: string }[] = []
  const leaving = new Set(moves.map(({ from }) => from))
  for (let at = 0; at < moves.length; at += LOOKS) {
    const looked = await Promise.all(moves.slice(at, at + LOOKS).map(async (move) => {
      const [here, there] = await Promise.all([lookAt(move.from), lookAt(move.to)])
      if (!here) return { path: move.from, reason: 'It is not there any more' }
      if (here.size !== move.size || here.mtimeMs !== move.mtime_ms) return { path: move.from, reason: 'It has been changed' }
      return there && !leaving.has(move.to) ? { path: move.to, reason: 'Its new place has been taken' } : null
    }))
    changed.push(...looked.filter((change) => change !== null))
  }
  return changed
}

import { ConflictError, DomainError, InvalidInputError } from '../../services/errors.ts'
import { describeFailure } from '../../services/journal/errors.ts'
import type { UnitError } from '../../services/journal/types.ts'
import { createDefaultFolders } from '../../services/models/default-folder.ts'
import type { IndexedModel, ModelEntry } from '../../services/models/entry.ts'
import { createFolderListings } from '../../services/models/folder-listings.ts'
import { offlineRoots, requireOnline } from '../../services/models/online-roots.ts'
import { relocateModels } from '../../services/models/relocate-models.ts'
import type { Relocation } from '../../services/models/relocation.ts'
import type { RunningTasks } from '../../services/models/running-tasks.ts'
import { createSlices, mapInSlices } from '../../services/jobs/slices.ts'
import { cacheEntry } from './cache-entry.ts'
import { findSource, requiredField, type Source } from './find-source.ts'
import { findTarget, isSameFolder, type Target } from './find-target.ts'
import { directoryOf, planMove, SAME_FOLDER, type MoveDeps } from './move-model.ts'

export interface MoveManyInput { file_paths?: unknown, target_path?: unknown, use_default_paths?: unknown }

export interface MoveResult {
  original_file_path: string
  new_file_path: string | null
  success: boolean
  message: string
  cache_entry: ModelEntry | null
}

/** One path of the request: what is to be done with it, or its answer already. */
type Task = { original: string, source: Source, target: Target } | MoveResult

const MISSING = 'File paths and target path are required'
const MOVED = 'Moved'

/**
 * Takes models to another folder, each as a whole and independent of the others, as one operation that can be undone.
 * A cancel stops before the next model; only those that were tried are answered. The answer is JSON: for many models it is megabytes.
 */
export const moveModels = (deps: MoveDeps & { tasks: RunningTasks }) => async (input: MoveManyInput): Promise<Buffer> => {
  const paths = input.file_paths
  const targetPath = requiredField(input.target_path, MISSING)
  if (!Array.isArray(paths) || paths.length === 0 || !paths.every((path) => typeof path === 'string')) throw new InvalidInputError(MISSING)
  return await deps.tasks.run(async (signal) => {
    const tasks = await prepare(deps, paths as string[], targetPath, input.use_default_paths === true)
    const held = tasks.flatMap((task) => 'source' in task ? [task.source.model.file_path] : [])
    const results = await deps.library.exclusively([...new Set(held)], async () => await moveAll(deps, tasks, signal))
    return await write(results)
  })
}

async function write (results: readonly MoveResult[]): Promise<Buffer> {
  const count = results.filter(({ success }) => success).length
  const texts = await mapInSlices(results, (result) => JSON.stringify(result))
  return Buffer.from(`{"success":true,"message":"Moved ${count} of ${results.length} models","results":[${texts.join(',')}],"success_count":${count},"failure_count":${results.length - count}}`)
}

async function prepare (deps: MoveDeps, paths: readonly string[], targetPath: string, byTemplate: boolean): Promise<Task[]> {
  const { library, settings } = deps
  const defaults = byTemplate ? createDefaultFolders(settings, library.type.name) : null
  const offline = offlineRoots(library)
  const named = new Set<string>()
  const taskOf = (original: string): Task => {
    try {
      const source = findSource(library, original)
      if (named.has(source.model.file_path)) throw new ConflictError('The model is named twice', 'named-twice')
      const target = findTarget(library, targetPath, source.model, defaults)
      requireOnline(offline, source.root, target.root)
      named.add(source.model.file_path)
      return { original, source, target }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      return failed(original, error)
    }
  }
  const slice = createSlices()
  const tasks: Task[] = []
  for (const path of paths) {
    tasks.push(taskOf(path))
    await slice()
  }
  return tasks
}

function failed (original: string, { message }: Pick<UnitError, 'message'>): MoveResult {
  return { original_file_path: original, new_file_path: null, success: false, message, cache_entry: null }
}

async function moveAll (deps: MoveDeps, tasks: readonly Task[], signal: AbortSignal): Promise<MoveResult[]> {
  const listings = createFolderListings()
  const slice = createSlices()
  const slots: (MoveResult | Relocation & { original: string })[] = []
  for (const task of tasks) {
    if (signal.aborted) break
    slots.push('source' in task ? await planOne(task, listings) : task)
    await slice()
  }
  const relocations = slots.filter((slot) => 'unit' in slot)
  const done = relocations.length > 0 && !signal.aborted
    ? await relocateModels(deps, { kind: 'bulk-move', route: 'move_models_bulk', summary: `Move ${relocations.length} models`, relocations, signal })
    : null
  const outcomes = new Map(done?.outcomes.map((outcome) => [outcome.relocation.from, outcome.error]))
  const results = await mapInSlices(slots, (slot) => {
    if (!('unit' in slot)) return slot
    const error = outcomes.get(slot.from)
    if (error === undefined) return null
    return error === null ? moved(slot, done?.models.get(slot.to)) : failed(slot.original, error)
  })
  return results.filter((result) => result !== null)
}

async function planOne ({ original, source, target }: Extract<Task, { source: Source }>, listings: ReturnType<typeof createFolderListings>): Promise<MoveResult | Relocation & { original: string }> {
  try {
    const from = source.model.file_path
    if (await isSameFolder(directoryOf(from), target.directory)) {
      return { original_file_path: original, new_file_path: from, success: true, message: SAME_FOLDER, cache_entry: cacheEntry(source.model) }
    }
    return { ...await planMove(source, target, listings), original }
  } catch (error) {
    return failed(original, describeFailure(error))
  }
}

function moved ({ original, to }: Relocation & { original: string }, model: IndexedModel | undefined): MoveResult {
  return { original_file_path: original, new_file_path: to, success: true, message: MOVED, cache_entry: model ? cacheEntry(model) : null }
}

import { failureOf } from '../../services/journal/errors.ts'
import { mapInSlices } from '../../services/jobs/slices.ts'
import type { OperationResult, UnitError } from '../../services/journal/types.ts'
import { deletionTarget, type Deletion } from '../../services/models/deletion.ts'
import type { RunningTasks } from '../../services/models/running-tasks.ts'
import { trashModels } from '../../services/models/trash-models.ts'
import { requirePath, requirePaths, type ChangeDeps } from './change-deps.ts'

type Deps = Pick<ChangeDeps, 'library' | 'hub' | 'journal'>

export interface DeletedModel { deleted_files: string[], batch_id: string | null }

export interface DeletedFile { file_path: string, success: boolean, deleted_files?: string[], error?: string }

export interface DeletedModels {
  status: 'success' | 'cancelled'
  total_deleted: number
  total_attempted: number
  cache_updated: boolean
  results: DeletedFile[]
  batch_id?: string
}

/** What clients of a bulk delete are told of a file that is gone already; it is forgotten all the same. */
const NOTHING = { message: 'There is nothing to delete: the file is gone already' }

/** Takes a model with its files to the trash; one that is gone already is forgotten. @throws InvalidInputError, NotFoundError, OfflineError */
export const deleteModel = (deps: Deps) => async ({ file_path: path }: { file_path?: unknown }): Promise<DeletedModel> => {
  const target = deletionTarget(deps.library, requirePath(path, 'Model path is required'))
  const { deletions, result } = await trashModels(deps, [target], { kind: 'delete', route: 'delete' })
  const [deletion] = deletions
  if (deletion?.kind === 'refused') throw deletion.error
  if (result?.units[0]?.error) throw failureOf(result.units[0]) ?? new Error('The unit failed without a reason')
  return { deleted_files: [], batch_id: result?.id ?? null }
}

/**
 * The same for many, as one operation that is undone as one. Every path is judged before anything is touched; then one that
 * fails stops no other. A cancel stops before the next model, and what was done is told and in the index in any case.
 */
export const deleteModels = (deps: Deps & { tasks: RunningTasks }) => async ({ file_paths: paths }: { file_paths?: unknown }): Promise<DeletedModels> => {
  const texts = requirePaths(paths, 'No file paths provided for deletion')
  const judged = await mapInSlices(texts, (text) => deletionTarget(deps.library, text))
  const targets = [...new Map(judged.map((target) => [target.path, target])).values()]
  return await deps.tasks.run(async (signal) => {
    const { deletions, result } = await trashModels(deps, targets, { kind: 'bulk-delete', route: 'bulk-delete', signal })
    return summary(targets.length, deletions, result, signal)
  })
}

function summary (attempted: number, deletions: readonly Deletion[], result: OperationResult | null, signal: AbortSignal): DeletedModels {
  const units = new Map(result?.units.map((unit) => [unit.key, unit]))
  const results = deletions.flatMap((deletion): DeletedFile[] => {
    if (deletion.kind === 'vanished') return [failed(deletion.path, NOTHING)]
    if (deletion.kind === 'refused') return [failed(deletion.path, deletion.error)]
    const unit = units.get(deletion.path)
    if (unit?.ok) return [{ file_path: deletion.path, success: true, deleted_files: [] }]
    return unit?.error === undefined || unit.error.code === 'not-run' ? [] : [failed(deletion.path, unit.error)]
  })
  const total = results.filter(({ success }) => success).length
  const staged = result?.units.some(({ ok }) => ok) ?? false
  return {
    status: signal.aborted && results.length < attempted ? 'cancelled' : 'success',
    total_deleted: total,
    total_attempted: attempted,
    cache_updated: total > 0 || deletions.some(({ kind }) => kind === 'vanished'),
    results,
    ...(staged && result && { batch_id: result.id })
  }
}

function failed (path: string, { message }: Pick<UnitError, 'message'>): DeletedFile {
  return { file_path: path, success: false, error: message }
}

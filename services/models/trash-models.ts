import { createSlices, mapInSlices } from '../jobs/slices.ts'
import type { Journal, OperationResult } from '../journal/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import { createDeletionPlanner, type Deletion, type DeletionTarget } from './deletion.ts'
import type { ModelLibrary } from './ports.ts'
import { sidecarPath } from './sidecar-file.ts'

export interface TrashDeps {
  library: ModelLibrary
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
  journal: Pick<Journal, 'run'>
}

export interface TrashOptions {
  kind: 'delete' | 'bulk-delete'
  /** That asked for it. */
  route: string
  signal?: AbortSignal
}

/** How each path was judged, and the operation, null when there was no file to move. */
export interface Trashed { deletions: Deletion[], result: OperationResult | null }

/**
 * Takes models with their files to the trash as one operation that is undone as one. Files that are gone already are forgotten.
 * What was done is in the index and told when this resolves or rejects.
 */
export async function trashModels (deps: TrashDeps, targets: readonly DeletionTarget[], options: TrashOptions): Promise<Trashed> {
  const held = await mapInSlices(targets, ({ path }) => [path, sidecarPath(path)])
  return await deps.library.exclusively([...new Set(held.flat())], async () => await trashHeld(deps, targets, options))
}

async function trashHeld ({ library, hub, journal }: TrashDeps, targets: readonly DeletionTarget[], { kind, route, signal }: TrashOptions): Promise<Trashed> {
  const plan = createDeletionPlanner(library)
  const slice = createSlices()
  const deletions: Deletion[] = []
  for (const target of targets) {
    if (signal?.aborted) break
    deletions.push(await plan(target))
    await slice()
  }
  const units = deletions.flatMap((deletion) => deletion.kind === 'there' ? [deletion.unit] : [])
  const done: string[] = []
  let result: OperationResult | null = null
  try {
    if (units.length > 0) {
      const what = units.length === 1 ? `Delete ${units[0]?.label ?? 'a model'}` : `Delete ${units.length} models`
      result = await journal.run({ kind, route, summary: what, units }, { signal, onUnit: ({ key, ok }) => { if (ok) done.push(key) } })
    }
  } finally {
    const removed = done.concat(deletions.flatMap((deletion) => deletion.kind === 'vanished' ? [deletion.path] : []))
    await library.settle({ removed })
    await announce({ library, hub }, removed, result?.id)
  }
  return { deletions, result }
}

async function announce ({ library, hub }: Pick<TrashDeps, 'library' | 'hub'>, removed: readonly string[], operation: string | undefined): Promise<void> {
  if (removed.length === 0) return
  const about = { model_type: library.type.name }
  const refs = operation === undefined ? {} : { operation }
  const slice = createSlices()
  for (const path of removed) {
    hub.publish('model.deleted', { ...about, file_path: path }, refs)
    await slice()
  }
  hub.publish('models.changed', { ...about, created: 0, updated: 0, deleted: removed.length }, refs)
  hub.publish('facets.changed', about, refs)
  hub.broadcast('fetch', { type: 'models_changed' })
}

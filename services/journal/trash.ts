import { dirname } from 'node:path'
import { NotFoundError } from '../errors.ts'
import type { PlannedUnit, Relocate } from './actions.ts'
import { describeFailure } from './errors.ts'
import { claimTarget, foresee, missingParents } from './draft.ts'
import type { Draft } from './draft.ts'
import type { Engine } from './execute.ts'
import { compare, identify } from './identity.ts'
import type { PathLocks } from './path-locks.ts'
import type { TrashRow } from './trash-store.ts'
import { tidyTrash } from './trash-directory.ts'
import type { EmptiedTrash, EmptyTrashOptions, Page, TrashBatch } from './types.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export function itemId (row: Pick<TrashRow, 'operation' | 'n'>): string {
  return `${row.operation}-${row.n}`
}

export function listTrash ({ store, clock }: Engine, limit: number, after: number | null): Page<TrashBatch> {
  const found = store.trash.batches(limit + 1, after)
  const items = found.slice(0, limit).flatMap(({ operation }): TrashBatch[] => {
    const row = store.read(operation)
    const rows = store.trash.items(operation)
    if (!row || rows[0] === undefined) return []
    return [{
      id: operation,
      kind: row.kind,
      summary: row.summary,
      trashed_at: new Date(rows[0].trashed_at).toISOString(),
      age_seconds: Math.max(0, Math.floor((clock.now() - rows[0].trashed_at) / 1000)),
      size: sizeOf(rows),
      items: rows.map((item) => ({ id: itemId(item), original_path: item.original, size: item.size }))
    }]
  })
  const last = found[limit - 1]
  return { items, next: found.length > limit && last ? last.operation : null }
}

/** Items of a batch, or one item, by id. @throws NotFoundError */
export function findTrashed ({ store }: Engine, id: string): TrashRow[] {
  const dash = id.indexOf('-')
  const rows = store.trash.items(dash < 0 ? id : id.slice(0, dash)).filter((row) => dash < 0 || itemId(row) === id)
  if (rows.length === 0) throw new NotFoundError('This is not in the trash (any more)', 'not-in-trash')
  return rows
}

/** What was trashed as one unit comes back as one. */
export async function planRestore (draft: Draft, rows: readonly TrashRow[]): Promise<PlannedUnit[]> {
  const units: PlannedUnit[] = []
  for (const unit of new Set(rows.map((row) => row.unit))) {
    const set = rows.filter((row) => row.unit === unit)
    const key = set[0]?.original ?? ''
    const planned: PlannedUnit = { n: units.length, key, label: key.slice(key.lastIndexOf('/') + 1), state: 'pending', error: null, actions: [], undoes: null }
    try {
      for (const row of set) planned.actions.push(...await restoreItem(draft, row))
    } catch (error) {
      Object.assign(planned, { state: 'failed', error: describeFailure(error), actions: [] })
    }
    units.push(planned)
  }
  return units
}

async function restoreItem (draft: Draft, row: TrashRow): Promise<PlannedUnit['actions']> {
  const found = await identify(draft.disk, row.path)
  if (found === null) throw new NotFoundError('The file is not in the trash any more', 'not-in-trash')
  await claimTarget(draft, row.path, row.original)
  const back: Relocate = { kind: 'relocate', from: row.path, to: row.original, identity: found, trash: 'out', item: { operation: row.operation, n: row.n } }
  foresee(draft, back)
  return [...await missingParents(draft, row.original), back]
}

/** Removes for good: the oldest batches first, and of each only files that are still what the journal put there. */
export async function emptyTrash (engine: Engine, locks: PathLocks, options: EmptyTrashOptions): Promise<EmptiedTrash> {
  const emptied: EmptiedTrash = { removed: 0, bytes: 0, kept: [] }
  let remaining = sizeOf(engine.store.trash.items())
  for (const rows of batchesOf(engine.store.trash.items(options.id))) {
    if (options.keepBytes !== undefined && remaining <= options.keepBytes) break
    const age = engine.clock.now() - (rows[0]?.trashed_at ?? 0)
    if (options.olderThanDays !== undefined && age < options.olderThanDays * DAY_MS) continue
    const before = emptied.bytes
    await purgeBatch(engine, locks, rows, emptied)
    remaining -= emptied.bytes - before
  }
  return emptied
}

function batchesOf (rows: readonly TrashRow[]): TrashRow[][] {
  return [...new Set(rows.map((row) => row.operation))].map((operation) => rows.filter((row) => row.operation === operation))
}

async function purgeBatch (engine: Engine, locks: PathLocks, rows: readonly TrashRow[], emptied: EmptiedTrash): Promise<void> {
  const release = await locks.acquire(rows.map((row) => row.path))
  try {
    // a restore may have taken some while this waited
    const present = new Set(rows[0] ? engine.store.trash.items(rows[0].operation).map((row) => row.n) : [])
    for (const row of rows.filter(({ n }) => present.has(n))) await purge(engine, row, emptied)
    await tidyTrash(engine, new Map(rows.map((row) => [dirname(row.path), row.operation])))
  } finally {
    release()
  }
}

async function purge ({ disk, store, logger }: Engine, row: TrashRow, emptied: EmptiedTrash): Promise<void> {
  try {
    const found = await identify(disk, row.path)
    const likeness = compare(row.identity, found)
    if (likeness === 'other') {
      emptied.kept.push({ id: itemId(row), reason: 'It is not the file that was put there' })
      return
    }
    if (likeness === 'absent' && await disk.lstat(dirname(row.path)) === null) {
      emptied.kept.push({ id: itemId(row), reason: 'Its disk is away' })
      return
    }
    if (found !== null) await disk.unlink(row.path)
    store.trash.setState(row.operation, row.n, 'purged')
    emptied.removed += 1
    emptied.bytes += row.size
  } catch (error) {
    logger.warn({ err: error, item: itemId(row) }, 'a file in the trash could not be removed')
    emptied.kept.push({ id: itemId(row), reason: describeFailure(error).message })
  }
}

function sizeOf (rows: readonly TrashRow[]): number {
  return rows.reduce((sum, row) => sum + row.size, 0)
}

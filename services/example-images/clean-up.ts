import { readdir, rmdir } from 'node:fs/promises'
import { ConflictError, DomainError } from '../errors.ts'
import { describeFailure } from '../journal/errors.ts'
import type { Journal, Unit } from '../journal/types.ts'
import type { JobContext } from '../jobs/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import { digestsOf, digestTexts } from './digests.ts'
import { namesIn } from './folder-files.ts'
import { folderMoveSteps } from './folder-moves.ts'
import { freeName } from './free-name.ts'
import { isModelHash } from './model-hash.ts'
import { BIN_NAME, type ExamplePlace } from './places.ts'
import { isSettled } from './targets.ts'

export interface CleanUpReport {
  success: boolean
  partial_success: boolean
  checked_folders: number
  moved_empty_folders: number
  moved_orphaned_folders: number
  moved_total: number
  skipped_non_hash: number
  move_failures: number
  /** `<folder>: <reason>` */
  errors: string[]
  /** Where moved folders are, below the folder of example images; null when nothing was moved. */
  deleted_root: string | null
  deleted_roots: string[]
  dry_run: boolean
  /** Names of the folders that were, or would be, moved or removed. */
  orphaned_folders: string[]
  empty_folders: string[]
  /** Operations that undo it. */
  operations: string[]
}

export interface CleanUpOptions { dryRun: boolean, confirm: boolean }

export interface CleanUpDeps {
  libraries: readonly ModelLibrary[]
  journal: Pick<Journal, 'run'>
}

/** Folders in one operation that can be undone. */
const BATCH = 200
/** Beyond this share of all folders something else is wrong than models that were deleted. */
const MOST_SHARE = 0.5
/** Of fewer folders any share is likely. */
const TELLING = 10

interface Found { orphaned: string[], empty: string[], checked: number, foreign: number }

/**
 * Moves folders of models that the library does not know to the bin, and removes empty ones: in the folder of the active library
 * only, those named by a hash only, as operations that can be undone.
 * @throws ConflictError `library_not_ready` while any model could be missing from the index, `too_many_orphans`
 */
export async function cleanUp (deps: CleanUpDeps, place: ExamplePlace, { dryRun, confirm }: CleanUpOptions, { signal, report }: Pick<JobContext, 'signal' | 'report'>): Promise<CleanUpReport> {
  checkReady(deps.libraries)
  const { orphaned, empty, checked, foreign } = await findFolders(place, await knownHashes(deps.libraries))
  if (!confirm && !dryRun && checked >= TELLING && orphaned.length > checked * MOST_SHARE) {
    throw new DomainError('conflict', 'too-many-orphans', `${orphaned.length} of ${checked} folders belong to no model of this library; send "confirm": true when that is right`, { error_code: 'too_many_orphans', orphaned: orphaned.length, checked_folders: checked })
  }
  const result = emptyReport({ dryRun, checked, foreign, orphaned, empty })
  if (dryRun) return result
  await moveOrphans(deps, place, orphaned, result, { signal, report })
  for (const name of empty) await removeEmpty(place, name, result)
  return finished(result, place)
}

/** A model that is not indexed now would look as if it were gone. */
function checkReady (libraries: readonly ModelLibrary[]): void {
  if (!libraries.every(isSettled)) throw new DomainError('conflict', 'library-not-ready', 'Not all model folders are online and scanned; what belongs to no model can\'t be told now', { error_code: 'library_not_ready' })
}

async function knownHashes (libraries: readonly ModelLibrary[]): Promise<ReadonlySet<string>> {
  const known = digestTexts(await digestsOf(libraries))
  for (const { index } of libraries) for (const { sha256 } of index.excluded()) known.add(sha256)
  return known
}

async function findFolders ({ libraryRoot }: ExamplePlace, known: ReadonlySet<string>): Promise<Found> {
  const found: Found = { orphaned: [], empty: [], checked: 0, foreign: 0 }
  for (const entry of await readdir(libraryRoot, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === BIN_NAME) continue
    if (!isModelHash(entry.name)) {
      found.foreign++
      continue
    }
    found.checked++
    if ((await namesIn(`${libraryRoot}/${entry.name}`))?.length === 0) found.empty.push(entry.name)
    else if (!known.has(entry.name.toLowerCase())) found.orphaned.push(entry.name)
  }
  return found
}

function emptyReport ({ dryRun, checked, foreign, orphaned, empty }: { dryRun: boolean, checked: number, foreign: number, orphaned: string[], empty: string[] }): CleanUpReport {
  return {
    success: true,
    partial_success: false,
    checked_folders: checked,
    moved_empty_folders: 0,
    moved_orphaned_folders: 0,
    moved_total: 0,
    skipped_non_hash: foreign,
    move_failures: 0,
    errors: [],
    deleted_root: null,
    deleted_roots: [],
    dry_run: dryRun,
    orphaned_folders: orphaned,
    empty_folders: empty,
    operations: []
  }
}

async function moveOrphans ({ journal }: CleanUpDeps, { libraryRoot }: ExamplePlace, names: readonly string[], result: CleanUpReport, { signal, report }: Pick<JobContext, 'signal' | 'report'>): Promise<void> {
  const bin = `${libraryRoot}/${BIN_NAME}`
  const taken = new Set(await namesIn(bin))
  for (let at = 0; at < names.length; at += BATCH) {
    signal.throwIfAborted()
    const units: Unit[] = []
    for (const name of names.slice(at, at + BATCH)) units.push({ key: name, label: name.slice(0, 8), steps: await folderMoveSteps(`${libraryRoot}/${name}`, `${bin}/${freeName(name, taken)}`) })
    const { id, units: done } = await journal.run({ kind: 'example-clean-up', route: 'cleanup-example-image-folders', summary: `Example images of ${units.length} models that are gone`, units })
    result.operations.push(id)
    for (const { key, ok, error } of done) {
      if (ok) result.moved_orphaned_folders++
      else noteFailure(result, key, error?.message ?? 'It could not be moved')
    }
    report({ done: Math.min(at + BATCH, names.length), total: names.length, unit: 'folders' })
  }
}

async function removeEmpty ({ libraryRoot }: ExamplePlace, name: string, result: CleanUpReport): Promise<void> {
  try {
    // Refused by the system when something came into it meanwhile.
    await rmdir(`${libraryRoot}/${name}`)
    result.moved_empty_folders++
  } catch (error) {
    noteFailure(result, name, describeFailure(error).message)
  }
}

function noteFailure (result: CleanUpReport, name: string, reason: string): void {
  result.move_failures++
  result.errors.push(`${name}: ${reason}`)
}

/** @throws ConflictError when nothing could be moved */
function finished (result: CleanUpReport, { prefix }: ExamplePlace): CleanUpReport {
  const moved = result.moved_empty_folders + result.moved_orphaned_folders
  const bin = prefix === '' ? BIN_NAME : `${prefix}/${BIN_NAME}`
  const used = result.moved_orphaned_folders > 0
  return {
    ...result,
    moved_total: moved,
    success: result.move_failures === 0,
    partial_success: result.move_failures > 0 && moved > 0,
    deleted_root: used ? bin : null,
    deleted_roots: used ? [bin] : []
  }
}

export function busyError (): ConflictError {
  return new ConflictError('Example images are being downloaded; try again when that has ended', 'download-in-progress')
}

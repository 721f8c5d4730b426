import { noticingDamage } from '../database/cache.ts'
import { sweepTemps } from '../files/sweep-temps.ts'
import { walk } from '../files/walk.ts'
import { isSameDirectory } from './is-same-directory.ts'
import { statFile } from './file-changes.ts'
import { loadKnownTable } from './known-table.ts'
import { readFiles } from './read-files.ts'
import { judgeRoot, type RootCount } from './root-states.ts'
import { createScanBatches } from './scan-batches.ts'
import { collectCandidates } from './scan-candidates.ts'
import { identityOf, UNREAD_TOLD, type ReconcileDeps, type Run } from './scan-run.ts'
import type { RootFinding, ScanReport, ScanRequest } from './scan-types.ts'

const STAGING = new Set(['.lm-pending-delete', '.modelshelf-trash'])
/** Models of a first scan whose sidecars are taken in on the way. */
const SIDECARS_AT_ONCE = 1000

/**
 * Brings the rows of one type in step with the disk. Synchronous, for a worker thread: nothing else is done there,
 * and a disk that hangs stops nobody else. Whatever is written is told only afterwards; stopped anywhere, it is started again.
 */
export function reconcile (request: ScanRequest, deps: ReconcileDeps): ScanReport {
  const run = begin(request, deps)
  const stopped = (): ScanReport => {
    run.batches.flush()
    return { ...run.report, status: 'cancelled' }
  }
  if (run.walk.aborted) return stopped()
  const byRoot = request.roots.map(() => 0)
  for (const { listing } of run.candidates.all) byRoot[listing.root] = (byRoot[listing.root] ?? 0) + 1
  deps.post({ kind: 'listed', models: run.candidates.all.length, byRoot })
  run.report.roots = judgeRoots(run, identifyMoved(run))
  if (!readFiles(run)) return stopped()
  if (request.sweepBefore !== null) sweepTemps(run.walk.listings.filter(({ root }) => run.report.roots[root]?.state === 'online'), request.sweepBefore)
  run.batches.flush()
  removeGone(run)
  return run.report
}

function begin (request: ScanRequest, deps: ReconcileDeps): Run {
  const listed = walk({
    roots: request.roots,
    skip: new Set(request.roots.flatMap((root, index) => root.hung ? [index] : [])),
    ...(request.directories && { only: { directories: request.directories, known: new Map(request.known) } }),
    leaveOut: (name) => STAGING.has(name) || (!request.dotDirectories && name.startsWith('.')),
    proceed: (root) => deps.pulse.beat(root)
  })
  const known = noticingDamage(deps.store.db, () => loadKnownTable(deps.store.db, request.type))
  const candidates = collectCandidates(listed, request, known)
  const report: ScanReport = {
    status: 'success',
    added: 0,
    updated: 0,
    removed: 0,
    moved: 0,
    roots: [],
    directories: [...listed.directories],
    remote: request.roots.filter((root) => !root.local).map((root) => root.id),
    unread: listed.unread.slice(0, UNREAD_TOLD),
    unreadCount: listed.unread.length
  }
  const departed = new Map(candidates.missing.map((line) => [
    identityOf(known.number(line, 'file_dev'), known.number(line, 'file_inode'), known.number(line, 'file_size'), known.number(line, 'file_mtime')), line
  ]))
  return { ...deps, request, walk: listed, known, candidates, batches: createScanBatches(deps.store, deps.post), departed, sidecarsLater: known.size === 0 && candidates.all.length > SIDECARS_AT_ONCE, moved: new Set(), gone: [], report }
}

/** Lines whose files lie elsewhere now. Looked up before any root is judged: a folder that was tidied up is not a broken disk. */
function identifyMoved (run: Run): Set<number> {
  const found = new Set<number>()
  if (run.departed.size === 0) return found
  for (const candidate of run.candidates.all) {
    if (candidate.line !== undefined || !run.pulse.beat(candidate.listing.root)) continue
    const stats = statFile(candidate.path)
    const departed = stats && run.departed.get(identityOf(stats.dev, stats.ino, stats.size, stats.mtimeMs))
    if (departed !== undefined) found.add(departed)
  }
  return found
}

/** Rows, found files and listed files per root. What was moved out of a root is no longer known there, and no sign of a fault. */
function countRoots (run: Run, lost: readonly number[], moved: ReadonlySet<number>): RootCount[] {
  const { request, candidates, known } = run
  const counts = request.roots.map(() => ({ known: 0, found: 0, listed: 0 }))
  const add = (index: number, column: keyof RootCount, change: number): void => {
    const count = counts[index]
    if (count) count[column] += change
  }
  for (let line = 0; line < known.size; line++) {
    if (moved.has(line)) continue
    add(candidates.rootOf(line), 'known', 1)
    add(candidates.rootOf(line), 'found', 1)
  }
  for (const line of lost) if (!moved.has(line)) add(candidates.rootOf(line), 'found', -1)
  for (const candidate of candidates.all) add(candidate.listing.root, 'listed', 1)
  return counts
}

function judgeRoots (run: Run, moved: ReadonlySet<number>): RootFinding[] {
  const counts = countRoots(run, run.candidates.missing, moved)
  return run.request.roots.map((root, index) => judgeRoot(root, run.walk.rootErrors[index] ?? null, counts[index]))
}

/** Removes the rows of files that are gone, unless their root went away while the scan ran. */
function removeGone (run: Run): void {
  const { request, candidates, known, report } = run
  const gone = candidates.missing.concat(run.gone).filter((line) => !run.moved.has(line))
  if (gone.length === 0) return
  const counts = countRoots(run, gone, run.moved)
  report.roots = report.roots.map((finding, index) => {
    const root = request.roots[index]
    const count = counts[index]
    if (!root || !count || root.accepted || finding.state !== 'online' || count.found === count.known) return finding
    const error = isSameDirectory(root.path, run.walk.directories.get(root.path)) ? null : 'EGONE'
    return judgeRoot(root, error, count)
  })
  const rows = (lines: number[]): { id: number, file_path: string }[] => lines.map((line) => ({ id: known.number(line, 'id'), file_path: known.path(line) }))
  run.batches.remove(rows(gone.filter((line) => report.roots[candidates.rootOf(line)]?.state === 'online')), true)
  // Rows of a former root go; without any root there is nothing to say about them, and they stay for its return.
  if (request.roots.length > 0) run.batches.remove(rows(gone.filter((line) => candidates.rootOf(line) < 0)), false)
  report.removed = run.batches.removed
}

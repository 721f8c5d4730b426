import { statSync, type Stats } from 'node:fs'
import { noticingDamage } from '../database/cache.ts'
import { sweepTemps } from '../files/sweep-temps.ts'
import { walk, type Listing, type Walk } from '../files/walk.ts'
import { isSameDirectory } from './is-same-directory.ts'
import { statFile } from './file-changes.ts'
import { createPreviewFinder, type DirectoryNames } from './preview-file.ts'
import { loadKnownTable, type KnownTable } from './known-table.ts'
import { judgeRoot, type RootCount } from './root-states.ts'
import { createScanBatches, type ScanBatches } from './scan-batches.ts'
import { collectCandidates, type Candidate, type Candidates } from './scan-candidates.ts'
import { foundFile } from './found-file.ts'
import type { Pulse } from '../workers/pulse.ts'
import type { DescribeFile, FoundFile, RootFinding, ScanMessage, ScanReport, ScanRequest, ScanRoot } from './scan-types.ts'
import type { ModelStore } from './store.ts'

export interface ReconcileDeps {
  store: ModelStore
  describe: DescribeFile
  pulse: Pulse
  post (message: ScanMessage): void
}

const STAGING = new Set(['.lm-pending-delete', '.modelshelf-trash'])
const UNREAD_TOLD = 20
/** Models of a first scan whose sidecars are taken in on the way. */
const SIDECARS_AT_ONCE = 1000

/** One run: what it was asked, what it met, and what came of it. */
interface Run extends ReconcileDeps {
  request: ScanRequest
  walk: Walk
  known: KnownTable
  candidates: Candidates
  batches: ScanBatches
  /** Lines whose files are gone from their place, by identity of the file. */
  departed: Map<string, number>
  /** So much is new that the bytes of sidecars are taken in after the list is complete. */
  sidecarsLater: boolean
  moved: Set<number>
  /** Lines whose files were listed and then turned out to be none. */
  gone: number[]
  report: ScanReport
}

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

/** A file keeps all four when it is moved on its disk; a new file on a reused inode has another time. */
function identityOf (dev: number, inode: number, size: number, mtimeMs: number): string {
  return `${dev}:${inode}:${size}:${mtimeMs}`
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

/** Stats everything that was listed below online roots and reads what changed; false when it was stopped. */
function readFiles (run: Run): boolean {
  const { all } = run.candidates
  const identities = all.some((candidate) => candidate.isLink) ? elsewhere(run) : null
  let at: { listing: Listing, names: DirectoryNames } | undefined
  const byRoot = run.request.roots.map(() => 0)
  let done = 0
  for (const candidate of all) {
    const { listing } = candidate
    if (!run.pulse.beat(listing.root)) return false
    const root = run.request.roots[listing.root]
    if (root && run.report.roots[listing.root]?.state === 'online') {
      if (at?.listing !== listing) at = { listing, names: createPreviewFinder(new Set(listing.names)) }
      readCandidate(run, candidate, root, at.names, identities)
    }
    byRoot[listing.root] = (byRoot[listing.root] ?? 0) + 1
    run.batches.progress(++done, all.length, byRoot)
  }
  return true
}

/** Files that a partial scan does not look at: a new link to one of them is no new model. */
function elsewhere (run: Run): Set<string> {
  const identities = new Set<string>()
  if (run.request.directories === null) return identities
  const here = new Set(run.candidates.missing)
  for (const { line } of run.candidates.all) if (line !== undefined) here.add(line)
  for (let line = 0; line < run.known.size; line++) {
    if (!here.has(line)) identities.add(`${run.known.number(line, 'file_dev')}:${run.known.number(line, 'file_inode')}`)
  }
  return identities
}

function readCandidate (run: Run, candidate: Candidate, root: ScanRoot, names: DirectoryNames, identities: Set<string> | null): void {
  const { line, path } = candidate
  let stats: Stats | undefined
  try {
    stats = statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    noteUnread(run, path, error)
    return
  }
  // A link to nothing is a model whose disk is away.
  if (!stats && candidate.isLink) return
  const isAlias = stats !== undefined && identities !== null && hasMet(identities, stats, candidate.isLink)
  if (!stats?.isFile() || stats.size === 0 || isAlias) {
    if (line !== undefined) run.gone.push(line)
    return
  }
  const file = foundFile({ root, directory: candidate.listing.path, folder: candidate.listing.folder, name: candidate.name, path, stats, names })
  if (line !== undefined && !run.request.full && run.known.isUnchanged(line, file)) return
  takeIn(run, file, line)
}

/** Two links to one file, or a link to a file that is listed itself, are one model. Hard links are files of their own. */
function hasMet (identities: Set<string>, stats: Stats, isLink: boolean): boolean {
  const key = `${stats.dev}:${stats.ino}`
  if (identities.has(key)) return isLink
  identities.add(key)
  return false
}

function takeIn (run: Run, file: FoundFile, line: number | undefined): void {
  const departed = line === undefined ? run.departed.get(identityOf(file.stats.dev, file.stats.ino, file.stats.size, file.stats.mtimeMs)) : undefined
  const moved = departed !== undefined && !run.moved.has(departed) ? departed : undefined
  const former = line ?? moved
  try {
    const known = former === undefined ? undefined : run.store.findById(run.known.number(former, 'id'))
    const inherited = moved !== undefined && !file.sidecar ? run.store.sidecar(run.request.type, run.known.path(moved)) ?? null : null
    const row = run.describe(file, known, inherited)
    // What is to be written differs from what the file says.
    const later = run.sidecarsLater && row.sidecar !== null && !row.due
    // The describer may use the memory again.
    const kept = later ? { sidecar: null, sidecarLater: true } : { sidecar: row.sidecar && Buffer.from(row.sidecar) }
    run.batches.put({ ...row, ...kept }, { movedFrom: moved === undefined ? undefined : known?.id, fresh: former === undefined })
  } catch (error) {
    if (!isSystemError(error)) throw error
    noteUnread(run, file.path, error)
    return
  }
  if (moved !== undefined) {
    run.moved.add(moved)
    run.report.moved++
  } else if (line !== undefined) run.report.updated++
  else run.report.added++
}

function isSystemError (error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function noteUnread (run: Run, path: string, error: unknown): void {
  run.report.unreadCount++
  if (run.report.unread.length < UNREAD_TOLD) run.report.unread.push({ path, code: (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN' })
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

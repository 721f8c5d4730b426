import { statSync } from 'node:fs'
import type { Listing } from '../files/walk.ts'
import { INFO_EXTENSION } from './civitai-info.ts'
import { stemOf } from './file-set.ts'
import { foundFile } from './found-file.ts'
import { createPreviewFinder, type DirectoryNames } from './preview-file.ts'
import type { Candidate } from './scan-candidates.ts'
import { doScanJobs } from './scan-crew.ts'
import { BESIDE, LOOK, LOOK_WIDTH, cellsOf, createScanHand, isSystemError, type ScanJob, type ScanJobResult } from './scan-hand.ts'
import { identityOf, noteUnread, type Run } from './scan-run.ts'
import type { FoundFile } from './scan-types.ts'
import { SIDECAR_EXTENSION } from './sidecar-file.ts'
import type { RowCells } from './stored-model.ts'

/** Files of one job: few enough that no thread waits long for the last ones. */
const FILES = 64

interface Part { job: ScanJob, candidates: Candidate[], names: DirectoryNames }

/** Looks at everything that was listed below online roots and reads what changed; false when it was stopped. */
export function readFiles (run: Run): boolean {
  const { all } = run.candidates
  const { roots } = run.request
  const identities = all.some((candidate) => candidate.isLink) ? elsewhere(run) : null
  const parts = new Map<ScanJob, Part>()
  const byRoot = roots.map(() => 0)
  let done = 0

  function count ({ root }: Listing, files: number): void {
    byRoot[root] = (byRoot[root] ?? 0) + files
    done += files
    run.batches.progress(done, all.length, byRoot)
  }

  function * jobs (): Generator<ScanJob> {
    for (const part of partsOf(run, (listing, files) => { count(listing, files) })) {
      parts.set(part.job, part)
      yield part.job
    }
  }

  function settle (job: ScanJob, result: ScanJobResult): void {
    const part = parts.get(job)
    parts.delete(job)
    if (!part) return
    for (const { at, code } of result.unread) noteUnread(run, `${job.directory}/${job.names[at] ?? ''}`, code)
    const unread = new Set(result.unread.map(({ at }) => at))
    for (let at = 0; at < result.count; at++) {
      const candidate = part.candidates[at]
      if (!candidate) continue
      if (!unread.has(at)) settleFile(run, part, candidate, at, result, identities)
      count(candidate.listing, 1)
    }
  }

  return doScanJobs(jobs(), createScanHand({ roots, describe: run.describe, pulse: run.pulse }), run.lanes?.(all.length) ?? null, settle)
}

/** Candidates cut into jobs; those below roots that are not online are only counted. */
function * partsOf (run: Run, skip: (listing: Listing, files: number) => void): Generator<Part> {
  const { all } = run.candidates
  let names: { listing: Listing, of: DirectoryNames } | undefined
  for (let from = 0; from < all.length;) {
    const first = all[from]
    if (!first) return
    const { listing } = first
    const isNew = mayDescribe(run, first)
    let to = from + 1
    for (let next = all[to]; to - from < FILES && next?.listing === listing && next.isLink === first.isLink && mayDescribe(run, next) === isNew; next = all[to]) to++
    const candidates = all.slice(from, to)
    from = to
    if (run.report.roots[listing.root]?.state !== 'online') {
      skip(listing, candidates.length)
      continue
    }
    if (names?.listing !== listing) names = { listing, of: createPreviewFinder(new Set(listing.names)) }
    yield { job: jobOf(run, candidates, listing, names.of, isNew), candidates, names: names.of }
  }
}

/** Nothing has to be asked before its row is made: neither what the former row says nor whether another name is the same file. */
function mayDescribe ({ request, departed }: Run, { line, isLink }: Candidate): boolean {
  return !isLink && (line === undefined ? departed.size === 0 : request.full)
}

function jobOf (run: Run, candidates: readonly Candidate[], { root, path, folder }: Listing, names: DirectoryNames, describe: boolean): ScanJob {
  const stems = candidates.map(({ name }) => stemOf(name))
  const known = (): (ReturnType<Run['store']['findById']>)[] => candidates.map(({ line }) => line === undefined ? undefined : run.store.findById(run.known.number(line, 'id')))
  return {
    root,
    directory: path,
    folder,
    names: candidates.map(({ name }) => name),
    beside: stems.map((stem) => (names.has(stem + SIDECAR_EXTENSION) ? BESIDE.sidecar : 0) | (names.has(stem + INFO_EXTENSION) ? BESIDE.info : 0)),
    previews: stems.map((stem) => names.find(stem) ?? ''),
    rows: describe ? { known: known(), sidecarsLater: run.sidecarsLater } : null
  }
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

function settleFile (run: Run, part: Part, { line, path, isLink }: Candidate, at: number, { looks, rows }: ScanJobResult, identities: Set<string> | null): void {
  const { job } = part
  const base = at * LOOK_WIDTH
  const size = looks[base + LOOK.size] ?? NaN
  // A link to nothing is a model whose disk is away.
  if (Number.isNaN(size) && isLink) return
  const isAlias = !Number.isNaN(size) && identities !== null && hasMet(identities, `${looks[base + LOOK.dev]}:${looks[base + LOOK.ino]}`, isLink)
  if (Number.isNaN(size) || size === 0 || isAlias) {
    if (line !== undefined) run.gone.push(line)
    return
  }
  const row = rows[at]
  const root = run.request.roots[job.root]
  if (row) put(run, path, row, line, undefined)
  else if (root && (line === undefined || run.request.full || !run.known.isUnchanged(line, root, job, at, looks))) readFile(run, part, at, line)
}

/** Two links to one file, or a link to a file that is listed itself, are one model. Hard links are files of their own. */
function hasMet (identities: Set<string>, key: string, isLink: boolean): boolean {
  if (identities.has(key)) return isLink
  identities.add(key)
  return false
}

/** Reads a file that turned out to be changed, or that may be one that was elsewhere. */
function readFile (run: Run, { job, names }: Part, at: number, line: number | undefined): void {
  const { directory, folder } = job
  const name = job.names[at] ?? ''
  const path = `${directory}/${name}`
  const root = run.request.roots[job.root]
  try {
    const stats = statSync(path)
    if (root) takeIn(run, foundFile({ root, directory, folder, name, path, stats, names }), line)
  } catch (error) {
    if (!isSystemError(error)) throw error
    noteUnread(run, path, error.code ?? 'EUNKNOWN')
  }
}

function takeIn (run: Run, file: FoundFile, line: number | undefined): void {
  const departed = line === undefined ? run.departed.get(identityOf(file.stats.dev, file.stats.ino, file.stats.size, file.stats.mtimeMs)) : undefined
  const moved = departed !== undefined && !run.moved.has(departed) ? departed : undefined
  const former = line ?? moved
  const known = former === undefined ? undefined : run.store.findById(run.known.number(former, 'id'))
  const inherited = moved !== undefined && !file.sidecar ? run.store.sidecar(run.request.type, run.known.path(moved)) ?? null : null
  put(run, file.path, cellsOf(run.describe(file, known, inherited), run.sidecarsLater), line, moved)
}

/** `line`: the row of the path itself; `moved`: the row whose file lies here now. */
function put (run: Run, path: string, row: RowCells, line: number | undefined, moved: number | undefined): void {
  run.batches.put(path, row, {
    movedFrom: moved === undefined ? undefined : run.known.number(moved, 'id'),
    fresh: line === undefined && moved === undefined
  })
  if (moved !== undefined) {
    run.moved.add(moved)
    run.report.moved++
  } else if (line !== undefined) run.report.updated++
  else run.report.added++
}

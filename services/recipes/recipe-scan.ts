import { statSync, type Stats } from 'node:fs'
import { sweepTemps } from '../files/sweep-temps.ts'
import { walk, type Listing, type Walk } from '../files/walk.ts'
import { sameImage } from './image-facts.ts'
import { isRecipeFile } from './recipe-file.ts'
import { describeRecipe, type RecipeRow } from './recipe-row.ts'
import type { KnownRecipe, RecipeStore } from './recipe-store.ts'

export interface RecipeScanRequest {
  root: string
  /** Reads every file anew. */
  full: boolean
  /** What the directory shows is believed, whatever is missing of it. */
  accepted: boolean
  /** Our own temporary files older than this are removed; null: none. */
  sweepBefore: number | null
}

export interface RecipeScanReport {
  added: number
  updated: number
  removed: number
  state: 'online' | 'offline' | 'suspect'
  /** For people: why it is not online. */
  reason: string | null
  /** Those listed, for watching. */
  directories: string[]
  /** Files that look like recipes and are none; at most 100. */
  problems: { path: string, problem: string }[]
}

export interface RecipeScanMessage { kind: 'rows', ids: number[], removed: number[], done: number, total: number }

interface ScanDeps {
  store: RecipeStore
  post: (message: RecipeScanMessage) => void
  /** Told before every call that may block; false: stop. */
  proceed: () => boolean
}

interface FoundRecipe { path: string, folder: string, stats: Stats }

const BATCH = 64
const MOST_PROBLEMS = 100
/** From this many known files on, a directory that shows fewer than half of them is suspected to be another disk. */
const SUSPECT_FROM = 20

/** Compares the recipe directory with the rows and brings the rows in step; tells what changed as it goes. Null: it was stopped. */
export async function scanRecipes (deps: ScanDeps, request: RecipeScanRequest): Promise<RecipeScanReport | null> {
  const { store, post, proceed } = deps
  const seen = walk({ roots: [{ path: request.root }], skip: new Set(), leaveOut: (name) => name.startsWith('.'), proceed })
  if (seen.aborted) return null
  if (request.sweepBefore !== null) sweepTemps(seen.listings, request.sweepBefore)
  const known = new Map(store.known().map((row) => [row.jsonPath, row]))
  const found = findRecipes(seen.listings, proceed)
  if (found === null) return null
  const report: RecipeScanReport = { added: 0, updated: 0, removed: 0, ...judge(seen, known, found, request), directories: seen.listings.map(({ path }) => path), problems: [] }
  if (report.state !== 'online') return report

  const changed = found.filter(({ path, stats }) => proceed() && (request.full || isChanged(known.get(path), stats)))
  for (let at = 0; at < changed.length; at += BATCH) {
    if (!proceed()) return null
    const batch = changed.slice(at, at + BATCH)
    const { rows, lost } = await describeAll(batch, request.full ? new Map() : known, report, proceed)
    const removed = lost.flatMap((path) => known.get(path)?.id ?? [])
    store.remove(removed)
    const ids = store.upsert(rows)
    const updated = rows.filter((row) => known.has(row.jsonPath)).length
    report.updated += updated
    report.added += rows.length - updated
    report.removed += removed.length
    post({ kind: 'rows', ids, removed, done: Math.min(at + BATCH, changed.length), total: changed.length })
  }
  if (!proceed()) return null
  const gone = vanished(seen, known, found)
  store.remove(gone)
  report.removed += gone.length
  if (gone.length > 0) post({ kind: 'rows', ids: [], removed: gone, done: changed.length, total: changed.length })
  return report
}

function findRecipes (listings: readonly Listing[], proceed: () => boolean): FoundRecipe[] | null {
  const found: FoundRecipe[] = []
  for (const { path, folder, names } of listings) {
    for (const name of names.filter(isRecipeFile)) {
      if (!proceed()) return null
      const stats = statOf(`${path}/${name}`)
      if (stats) found.push({ path: `${path}/${name}`, folder, stats })
    }
  }
  return found
}

function statOf (path: string): Stats | null {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats?.isFile() ? stats : null
  } catch {
    // not to be read now: what is known of it is kept
    return null
  }
}

function isChanged (known: KnownRecipe | undefined, stats: Stats): boolean {
  if (!known || known.size !== stats.size || known.mtime !== stats.mtimeMs) return true
  return !sameImage(known.image, known.image.path, known.image.path === '' ? null : statOf(known.image.path))
}

async function describeAll (batch: readonly FoundRecipe[], known: ReadonlyMap<string, KnownRecipe>, report: RecipeScanReport, proceed: () => boolean): Promise<{ rows: RecipeRow[], lost: string[] }> {
  const rows: RecipeRow[] = []
  const lost: string[] = []
  const described = await Promise.all(batch.map(async ({ path, folder }) => await describeRecipe(path, folder, known.get(path)).catch((error: unknown) => ({ unreadable: (error as NodeJS.ErrnoException).code ?? String(error) })).finally(proceed)))
  for (const [at, result] of described.entries()) {
    const path = batch[at]?.path ?? ''
    if (result === undefined) lost.push(path)
    else if ('unreadable' in result) note(report, path, `it cannot be read (${result.unreadable})`)
    else if ('problem' in result) {
      note(report, path, result.problem)
      lost.push(path)
    } else rows.push(result)
  }
  return { rows, lost }
}

function note ({ problems }: RecipeScanReport, path: string, problem: string): void {
  if (problems.length < MOST_PROBLEMS) problems.push({ path, problem })
}

/** Rows whose file is not there any more; what lies below a directory that could not be read is neither there nor gone. */
function vanished ({ unread }: Walk, known: ReadonlyMap<string, KnownRecipe>, found: readonly FoundRecipe[]): number[] {
  const there = new Set(found.map(({ path }) => path))
  const unsure = unread.map(({ path }) => path)
  return [...known.values()]
    .filter(({ jsonPath }) => !there.has(jsonPath) && !unsure.some((path) => jsonPath === path || jsonPath.startsWith(`${path}/`)))
    .filter(({ jsonPath }) => isGone(jsonPath))
    .map(({ id }) => id)
}

function isGone (path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** A disk that is away, empty or another one must never look like a user who deleted everything. */
function judge ({ rootErrors }: Walk, known: ReadonlyMap<string, KnownRecipe>, found: readonly FoundRecipe[], { accepted }: RecipeScanRequest): Pick<RecipeScanReport, 'state' | 'reason'> {
  const error = rootErrors[0] ?? null
  if (accepted || known.size === 0) return error === null || error === 'ENOENT' ? { state: 'online', reason: null } : { state: 'offline', reason: `The folder cannot be read (${error})` }
  if (error !== null) return { state: 'offline', reason: error === 'ENOENT' ? 'The folder is not there' : `The folder cannot be read (${error})` }
  const kept = found.filter(({ path }) => known.has(path)).length
  if (found.length === 0) return { state: 'offline', reason: `The folder holds no recipes; ${known.size} were known there` }
  if (known.size >= SUSPECT_FROM && kept * 2 < known.size) return { state: 'suspect', reason: `Only ${kept} of ${known.size} known recipes are there` }
  return { state: 'online', reason: null }
}

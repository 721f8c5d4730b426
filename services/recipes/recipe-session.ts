import { setImmediate as nextTurn } from 'node:timers/promises'
import { OfflineError } from '../errors.ts'
import type { JobContext } from '../jobs/types.ts'
import type { Journal } from '../journal/types.ts'
import type { Logger } from '../logger.ts'
import type { CacheShelf } from '../models/cache-shelf.ts'
import type { ScanOutcome } from '../models/ports.ts'
import { createWatcher } from '../models/watcher.ts'
import { healRecipes } from './heal-recipes.ts'
import type { RecipeIndex, Shadowed } from './recipe-index.ts'
import type { RecipeScanReport } from './recipe-scan.ts'
import { runRecipeScan } from './recipe-scan-thread.ts'
import { describeRecipe } from './recipe-row.ts'
import { createRecipeStore, type RecipeStore } from './recipe-store.ts'

export interface RecipeSessionDeps {
  caches: CacheShelf
  index: RecipeIndex
  journal: Pick<Journal, 'run'>
  /** Whether files that other programs write are looked for as they come. */
  watches: () => boolean
  /** Rows changed without a request: a scan, another program. */
  onScanned: (outcome: ScanOutcome) => void
  onProgress: (done: number, total: number) => void
  /** Without a sign of its disk for so long, the directory counts as away. */
  hangMs: number
  /** Module of the scan's thread; another one in tests. */
  scanWorker?: URL | undefined
  logger: Logger
}

/** How the recipe directory was found at the last look. */
export interface RecipeRootState { state: 'unknown' | RecipeScanReport['state'], reason: string | null, lastScan: string | null, durationMs: number | null }

/** Everything that belongs to the recipe directory of one opened library; a switch closes it and makes another. */
export interface RecipeSession {
  readonly root: string
  readonly store: RecipeStore
  readonly state: RecipeRootState
  /** Whether nothing is known yet: the first look is still to come. */
  readonly fresh: boolean
  load (): Promise<void>
  scan (input: { full: boolean, signal: AbortSignal, report?: JobContext['report'] }): Promise<ScanOutcome>
  /** Brings row and index in step with the file as it is now. */
  refresh (jsonPath: string): Promise<void>
  /** @throws OfflineError */
  requireOnline (): void
  /** At the next scan, what the directory shows is believed. */
  accept (): void
  close (): Promise<void>
}

const SLICE = 400
const MOST_LOOKS = 3

export function openRecipeSession (deps: RecipeSessionDeps, library: string, root: string): RecipeSession {
  const { index, logger } = deps
  const cache = deps.caches.open(library)
  const store = createRecipeStore(cache.db)
  if (store.root() !== root) {
    store.clear()
    store.setRoot(root)
  }
  const ending = new AbortController()
  /** Files that requests changed while a scan runs: what it saw of them may be older. */
  let touched: Set<string> | null = null
  let state: RecipeRootState = { state: 'unknown', reason: null, lastScan: null, durationMs: null }
  let fresh = store.count() === 0
  const refused = new Set<string>()
  let accepted = false
  let swept = false
  /** A thread sits in a call to the disk: the directory is left alone until that comes back. */
  let hung = false
  let tail: Promise<unknown> = Promise.resolve()
  const watcher = createWatcher({ onChange: lookAgain, onPoll: lookAgain, logger })

  function inTurn<T> (task: () => Promise<T>): Promise<T> {
    const mine = tail.then(task)
    tail = mine.catch((error: unknown) => { if (!ending.signal.aborted) logger.error({ err: error }, 'work on the recipes failed') })
    return mine
  }

  function lookAgain (): void {
    if (ending.signal.aborted) return
    // a failure is logged where the turn ends
    inTurn(async () => await look({ full: false, signal: ending.signal })).catch(() => undefined)
  }

  function tell (shadowed: readonly Shadowed[]): void {
    for (const { id, shown, hidden } of shadowed) logger.warn({ id, shown, hidden }, 'two files hold a recipe of the same id; the older one is not shown')
  }

  async function refresh (jsonPath: string): Promise<void> {
    touched?.add(jsonPath)
    const known = store.find(jsonPath)
    const row = await describeRecipe(jsonPath, folderOf(root, jsonPath), known)
    if (row && !('problem' in row)) tell(index.apply({ upsert: store.load(store.upsert([row])) }))
    else if (known) {
      store.remove([known.id])
      index.apply({ remove: [known.id] })
    }
  }

  async function takeRows (ids: readonly number[], removed: readonly number[]): Promise<void> {
    index.apply({ remove: removed })
    for (let at = 0; at < ids.length && !ending.signal.aborted; at += SLICE) {
      const rows = store.load(ids.slice(at, at + SLICE))
      tell(index.apply({ upsert: rows.filter((row) => !touched?.has(row.jsonPath)) }))
      await nextTurn()
    }
  }

  async function runOnce (input: Parameters<RecipeSession['scan']>[0]): Promise<{ report: RecipeScanReport | null, disturbed: boolean }> {
    const mine = new Set<string>()
    touched = mine
    let feeding: Promise<void> = Promise.resolve()
    try {
      const request = { root, full: input.full, accepted, sweepBefore: swept ? null : performance.timeOrigin }
      const outcome = await runRecipeScan({ cacheFile: store.db.name, hangMs: deps.hangMs, worker: deps.scanWorker }, request, input.signal, ({ ids, removed, done, total }) => {
        feeding = feeding.then(async () => { await takeRows(ids, removed) })
        input.report?.({ done, total, unit: 'recipes' })
        deps.onProgress(done, total)
      })
      await feeding
      if (outcome.kind === 'hung') leaveAlone(outcome.ended)
      return { report: outcome.kind === 'hung' ? unanswered() : outcome.report, disturbed: mine.size > 0 }
    } finally {
      touched = null
      await feeding.catch(() => undefined)
      if (!hung) for (const path of mine) await refresh(path)
    }
  }

  function leaveAlone (ended: Promise<unknown>): void {
    hung = true
    ended.then(() => {
      hung = false
      lookAgain()
    }, (error: unknown) => { logger.error({ err: error }, 'the scan of the recipes ended badly') })
  }

  /** A directory that seems away while requests delete or move its files may only show what they did: it is looked at again. */
  async function lookOnce (input: Parameters<RecipeSession['scan']>[0]): Promise<RecipeScanReport | null> {
    if (hung) return unanswered()
    for (let looks = 1; ; looks++) {
      const { report, disturbed } = await runOnce(input)
      if (report === null || report.state === 'online' || hung || !disturbed || looks >= MOST_LOOKS) return report
    }
  }

  async function look (input: Parameters<RecipeSession['scan']>[0]): Promise<ScanOutcome> {
    const begun = performance.now()
    const report = await lookOnce(input)
    fresh = false
    if (report === null) return { status: 'cancelled', added: 0, updated: 0, removed: 0, moved: 0, message: 'The scan was cancelled' }
    const { added, updated, removed, problems } = report
    state = { state: report.state, reason: report.reason, lastScan: new Date().toISOString(), durationMs: Math.round(performance.now() - begun) }
    if (report.state === 'online') accepted = false
    else logger.warn({ root, reason: report.reason }, 'the recipe folder is away; what is known of it is kept')
    if (problems.length > 0) logger.warn({ count: problems.length, first: problems.slice(0, 5) }, 'some recipe files cannot be used; they are left alone')
    if (!hung) {
      swept = true
      if (deps.watches()) watcher.update(report.directories)
    }
    if (report.state === 'online') await healRecipes({ store, journal: deps.journal, refresh, refused, logger }, ending.signal)
    const outcome: ScanOutcome = { status: 'success', added, updated, removed, moved: 0, message: `Recipe scan completed (${added} added, ${updated} updated, ${removed} removed)` }
    deps.onScanned(outcome)
    return outcome
  }

  return {
    root,
    store,
    get state () { return state },
    get fresh () { return fresh },
    async load () {
      const begun = performance.now()
      let count = 0
      for await (const rows of store.loadSlices()) {
        if (ending.signal.aborted) return
        tell(index.apply({ upsert: rows }))
        count += rows.length
      }
      logger.info({ recipes: count, ms: Math.round(performance.now() - begun) }, 'recipes loaded')
    },
    scan: (input) => inTurn(async () => await look({ ...input, signal: AbortSignal.any([input.signal, ending.signal]) })),
    refresh,
    requireOnline () {
      if (state.state === 'offline' || state.state === 'suspect') throw new OfflineError(`The recipe folder is away: ${state.reason ?? 'it cannot be read'}`)
    },
    accept () { accepted = true },
    async close () {
      ending.abort(new Error('The library was closed'))
      watcher.close()
      await tail
      cache.release()
    }
  }
}

function unanswered (): RecipeScanReport {
  return { added: 0, updated: 0, removed: 0, state: 'offline', reason: 'Its disk does not answer', directories: [], problems: [] }
}

/** Folder of a file below the recipe directory, `/`-separated. */
export function folderOf (root: string, path: string): string {
  return path.slice(root.length + 1, Math.max(root.length + 1, path.lastIndexOf('/')))
}

import { stat } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import type { StateDatabase } from '../database/types.ts'
import type { PathQueue } from '../files/path-queue.ts'
import type { Root } from '../files/types.ts'
import type { HashPool } from '../hashing/pool.ts'
import type { JobContext } from '../jobs/types.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../progress/clock.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { CacheShelf } from './cache-shelf.ts'
import { createDescriber } from './describe-files.ts'
import type { IndexedModel } from './entry.ts'
import { createHashLedger, migrateHashLedger } from './hash-ledger.ts'
import { runHashing, type HashOutcome } from './hash-run.ts'
import { createIndexFeed } from './index-feed.ts'
import { createInitProgress } from './init-progress.ts'
import { createLibraryScan } from './library-scan.ts'
import { createModelFiles, type ModelFiles } from './model-files.ts'
import { createMovedModels } from './moved-models.ts'
import { packedText, type PackedModel } from './packed-model.ts'
import type { DoneOnDisk, ModelIndex, ScanOutcome } from './ports.ts'
import { createRootBoard, type RootBoard } from './root-board.ts'
import { createSettle } from './settle.ts'
import { createSidecarOverlay, migrateSidecarOverlay } from './sidecar-overlay.ts'
import { createModelStore, type ModelStore } from './store.ts'
import type { ModelType } from './types.ts'
import { createWatcher } from './watcher.ts'

export interface SessionDeps {
  type: ModelType
  settings: Pick<SettingsManager, 'get'>
  state: StateDatabase
  caches: CacheShelf
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
  hashPool: Pick<HashPool, 'hash'>
  /** Files hashed at the same time. */
  hashLanes: number
  index: ModelIndex
  paths: PathQueue
  logger: Logger
  clock: Clock
  /** Milliseconds without a sign of life after which a root counts as hanging. */
  hangMs: number
  scanWorker?: URL | undefined
  /** Rows without a hash are there: a job should run. */
  wantHashing (): void
}

/** Everything that belongs to one opened library of one type; a switch of library closes it and makes another. */
export interface LibrarySession {
  readonly library: string
  readonly board: RootBoard
  readonly store: ModelStore
  readonly files: ModelFiles
  readonly initializing: boolean
  /** Paths that the next hash run takes besides what it takes anyway. */
  readonly wanted: Set<string>
  /** Rows into the index, in the usual order. */
  load (willScan: boolean): Promise<void>
  /** Other orders and look-ups, so that nobody waits for them. */
  prepare (): Promise<void>
  stopLoading (): void
  scan (input: { full: boolean, signal: AbortSignal, report?: JobContext['report'] }): Promise<ScanOutcome>
  hash (context: Pick<JobContext, 'signal' | 'report' | 'checkpoint' | 'recordFailure'>): Promise<HashOutcome>
  /** Hashes a file as it is now and remembers it. */
  hashFile (filePath: string, signal?: AbortSignal): Promise<string>
  /** Compares these directories with the disk in the background, as a watcher's report does. */
  look (directories: string[]): void
  /** Brings rows and index in step with what was done on disk; answers nothing once the session closes. */
  settle (done: DoneOnDisk): Promise<IndexedModel[]>
  accept (rootId: string): void
  setRoots (roots: readonly Root[]): void
  /** Resolves when nothing runs any more: scans, sidecars, index. */
  idle (): Promise<void>
  close (): Promise<void>
}

/** Rows of a load that are shown only when it is done. */
const HELD = 32

export function openLibrarySession (deps: SessionDeps, library: string, roots: readonly Root[]): LibrarySession {
  const { type, index, hub, logger, settings } = deps
  migrateHashLedger(deps.state)
  migrateSidecarOverlay(deps.state)
  const cache = deps.caches.open(library)
  const store = createModelStore(cache.db)
  const ledger = createHashLedger(deps.state.db)
  const overlay = createSidecarOverlay(deps.state.db)
  const describe = createDescriber(ledger, () => deps.clock.now(), overlay)
  const board = createRootBoard(cache.db, hub)
  const moved = createMovedModels(store)
  const init = createInitProgress(hub, type)
  const ending = new AbortController()
  const wanted = new Set<string>()
  const hasRoot = (id: string): boolean => board.roots().some((root) => root.id === id)
  const feed = createIndexFeed({
    store,
    index,
    hasRoot,
    onStale: async (path) => await deps.paths.run(path, async () => await files.refresh(path)),
    onError: (error) => { logger.error({ err: error, type: type.name }, 'rows could not be brought into the index') }
  })
  const files = createModelFiles({ store, index, feed, board, moved, describe, paths: deps.paths, logger, mayWrite: () => settings.get('write_sidecars') !== 'on_edit' })
  const settle = createSettle({ store, index, feed, board, ledger, overlay, describe, isEnding: () => ending.signal.aborted, onUnfinished: () => { followUp() } })
  /** Settling under way; the cache stays open for it. */
  const settling = new Set<Promise<unknown>>()
  const scanner = createLibraryScan({
    index,
    feed,
    board,
    hub,
    logger,
    paths: deps.paths,
    thread: { cacheFile: cache.db.name, stateFile: deps.state.db.name, hangMs: deps.hangMs, ...(deps.scanWorker && { worker: deps.scanWorker }) },
    dotDirectories: () => settings.get('scan_dot_folders') !== false
  })
  const watcher = createWatcher({
    onChange: (directories) => { look(directories) },
    onPoll: () => { look(null) },
    logger
  })
  let loadingStopped = false
  /** Version of the index whose order of names is saved. */
  let savedVersion = -1
  let initializing = store.count(type.name) === 0
  /** Scans, one after the other. */
  let tail: Promise<unknown> = Promise.resolve()
  let upkeep: Promise<void> | null = null
  let again = false

  board.setRoots(roots)

  function inTurn<T> (task: () => Promise<T>): Promise<T> {
    const mine = tail.then(task)
    tail = mine.catch((error: unknown) => { if (!ending.signal.aborted) logger.error({ err: error, type: type.name }, 'work on the library failed') })
    return mine
  }

  function look (directories: string[] | null): void {
    if (ending.signal.aborted) return
    // The outcome is told by events; a failure is logged where the turn ends.
    inTurn(async () => {
      await scanner.run({ full: false, directories, signal: ending.signal })
      followUp()
    }).catch(() => undefined)
  }

  /** What a scan leaves to do: watches, hashes, heirs of vanished models, sidecars. Never in the way of the next scan. */
  function followUp (): void {
    if (ending.signal.aborted) return
    if (settings.get('watch_folders') !== false) watcher.update(scanner.watchable())
    if (store.unkept(type.name, 0, 1).length > 0) inTurn(async () => { await scanner.keepSidecars(ending.signal) }).catch(() => undefined)
    if (type.hashEagerly && store.unhashed(type.name).some((row) => board.isOnline(row.root_id))) deps.wantHashing()
    if (upkeep) {
      again = true
      return
    }
    again = false
    upkeep = keepUp().catch((error: unknown) => { logger.error({ err: error, type: type.name }, 'sidecars could not be kept up') }).finally(() => {
      upkeep = null
      if (again) followUp()
    })
  }

  async function keepUp (): Promise<void> {
    moved.forgetOld(deps.clock.now())
    await files.settleHeirs(ending.signal)
    await files.writeDue(ending.signal)
  }

  async function idle (): Promise<void> {
    const seen = tail
    await seen
    await upkeep
    if (seen !== tail || upkeep) return await idle()
    await feed.idle()
  }

  /** The next start then need not sort. */
  function saveOrder (): void {
    if (savedVersion === index.version) return
    const ids = index.nameOrder()
    if (ids === null) return
    store.saveNameOrder(type.name, ids)
    savedVersion = index.version
  }

  async function firstScan (run: () => Promise<ScanOutcome>): Promise<ScanOutcome> {
    init.scanning()
    try {
      const outcome = await run()
      init.complete()
      // The usual order is ready; who asks for another one now does not wait for all of them.
      initializing = false
      await index.prepare()
      return outcome
    } catch (error) {
      init.complete({ error: 'The folders could not be scanned' })
      throw error
    } finally {
      initializing = false
    }
  }

  return {
    library,
    board,
    store,
    files,
    wanted,
    get initializing () { return initializing },
    async load (willScan) {
      init.loading()
      index.setOfflineRoots(board.offline())
      if (initializing) {
        if (willScan) return
        initializing = false
        init.complete()
        return
      }
      const begun = performance.now()
      init.restored()
      let count = 0
      let last: PackedModel[] = []
      const order = store.nameOrder(type.name)
      index.bulk(true, { sortsLater: order !== null })
      for await (const slice of store.loadSlices(type.name)) {
        if (loadingStopped) return
        const shown = slice.filter(({ packed }) => hasRoot(packedText(packed, 'root_id')))
        // The last few wait until the others are in order, so that a list that has all of them has them in order.
        index.apply({ upsert: last.concat(shown.slice(0, -HELD)) })
        last = shown.slice(-HELD)
        count += slice.length
      }
      await index.prepareNames(order)
      if (loadingStopped) return
      index.apply({ upsert: last })
      index.bulk(false)
      savedVersion = index.version
      logger.info({ type: type.name, models: count, ms: Math.round(performance.now() - begun) }, 'models loaded')
      init.complete()
    },
    prepare: async () => { await index.prepare() },
    stopLoading () { loadingStopped = true },
    scan ({ full, signal, report }) {
      const either = AbortSignal.any([signal, ending.signal])
      return inTurn(async () => {
        const run = async (): Promise<ScanOutcome> => await scanner.run({ full, directories: null, signal: either, ...(report && { report }), ...(initializing && { init }) })
        const outcome = initializing ? await firstScan(run) : await run()
        saveOrder()
        followUp()
        return outcome
      })
    },
    async hash (context) {
      const signal = AbortSignal.any([context.signal, ending.signal])
      const lost = new Set<string>()
      try {
        return await runHashing({
          type,
          store,
          ledger,
          board,
          pool: deps.hashPool,
          lanes: deps.hashLanes,
          clock: deps.clock,
          wanted,
          onHashed: (path) => { files.show(path) },
          onChanged: (directory) => { lost.add(directory) }
        }, { ...context, signal })
      } finally {
        if (lost.size > 0) look([...lost])
        else followUp()
      }
    },
    async hashFile (path, signal) {
      const { dev, ino } = await stat(path)
      const { sha256, size, mtimeMs } = await deps.hashPool.hash(path, { signal })
      const file = { path, size, mtimeMs, dev, ino }
      const known = ledger.find(file)
      ledger.put(file, { sha256, autov3: known?.sha256 === sha256 ? known.autov3 : null })
      return sha256
    },
    look,
    async settle (done) {
      const work = settle(done)
      settling.add(work)
      return await work.finally(() => { settling.delete(work) })
    },
    accept: (rootId) => { scanner.accept(rootId) },
    setRoots (next) {
      board.setRoots(next)
      const remove: number[] = []
      for (const entries of [index.entries(), index.excluded()]) for (const entry of entries) if (!hasRoot(entry.root_id)) remove.push(entry.id)
      index.apply({ remove })
      index.setOfflineRoots(board.offline())
    },
    idle,
    async close () {
      loadingStopped = true
      ending.abort(new Error('The library was closed'))
      watcher.close()
      init.close()
      await tail
      await upkeep
      await Promise.allSettled(settling)
      saveOrder()
      feed.close()
      await feed.idle()
      cache.release()
    }
  }
}

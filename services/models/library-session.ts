import { performance } from 'node:perf_hooks'
import type { Root } from '../files/types.ts'
import { createDescriber } from './describe-files.ts'
import { createHashLedger, migrateHashLedger } from './hash-ledger.ts'
import { hashNow } from './hash-now.ts'
import { runHashing } from './hash-run.ts'
import { createIndexFeed } from './index-feed.ts'
import { createInitProgress } from './init-progress.ts'
import { createLibraryScan } from './library-scan.ts'
import { createLibraryUpkeep } from './library-upkeep.ts'
import { loadModels } from './load-models.ts'
import { createModelFiles } from './model-files.ts'
import { createMovedModels } from './moved-models.ts'
import type { ScanOutcome } from './ports.ts'
import { createRootBoard } from './root-board.ts'
import type { LibrarySession, SessionDeps } from './session-types.ts'
import { createSettle } from './settle.ts'
import { createSidecarOverlay, migrateSidecarOverlay } from './sidecar-overlay.ts'
import { createModelStore } from './store.ts'
import { tensorHash } from './tensor-hash.ts'
import { createWatcher } from './watcher.ts'

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
  const settle = createSettle({ store, index, feed, board, ledger, overlay, describe, isEnding: () => ending.signal.aborted, onUnfinished: () => { followUp() }, onWritten: cache.shortenLog })
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
  const upkeep = createLibraryUpkeep({ type, files, moved, clock: deps.clock, logger, signal: ending.signal })
  let loadingStopped = false
  /** Version of the index whose order of names is saved. */
  let savedVersion = -1
  let initializing = store.isEmpty(type.name)
  /** Scans, one after the other. */
  let tail: Promise<unknown> = Promise.resolve()

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
    upkeep.begin()
  }

  async function idle (): Promise<void> {
    const seen = tail
    await seen
    await upkeep.running
    if (seen !== tail || upkeep.running) return await idle()
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
      const count = await loadModels({ store, index, hasRoot, isStopped: () => loadingStopped })
      if (count === null) return
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
    hashFile: hashNow({ pool: deps.hashPool, ledger }),
    tensorHash: tensorHash({ type, store, ledger, pool: deps.hashPool, onHashed: (path) => { files.show(path) } }),
    look,
    async settle (done) {
      const work = settle(done)
      settling.add(work)
      return await work.finally(() => { settling.delete(work) })
    },
    accept: (rootId) => { scanner.accept(rootId) },
    setRoots (next) {
      const holdsLeft = board.roots().some(({ id }) => index.countIn(id) > 0 && !next.some((root) => root.id === id))
      board.setRoots(next)
      const remove: number[] = []
      // Every model would have to be made to be asked, so only where some go.
      if (holdsLeft) for (const entries of [index.entries(), index.excluded()]) for (const entry of entries) if (!hasRoot(entry.root_id)) remove.push(entry.id)
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
      await upkeep.running
      await Promise.allSettled(settling)
      saveOrder()
      feed.close()
      await feed.idle()
      cache.release()
    }
  }
}

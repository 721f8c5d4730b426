import { availableParallelism } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { isCorruption, openDatabase } from '../database/open.ts'
import { isRemoteMount } from '../files/mount-kind.ts'
import { giveWay } from '../workers/give-way.ts'
import { MOST_LANES, pulseOver } from '../workers/pulse.ts'
import type { LastMessage } from '../workers/watched-thread.ts'
import { createDescriber } from './describe-files.ts'
import { createHashLedger } from './hash-ledger.ts'
import { keepSidecars } from './keep-sidecars.ts'
import { reconcile } from './reconcile.ts'
import { openScanLanes } from './scan-lanes.ts'
import { createScratchReader } from './scratch-reader.ts'
import { createSidecarOverlay } from './sidecar-overlay.ts'
import type { ScanMessage, ScanReport, ScanRequest } from './scan-types.ts'
import { createModelStore } from './store.ts'

/** One run of a scan in a thread of its own: it opens the databases itself, writes rows and tells which. */
interface ScanTask { cacheFile: string, stateFile: string, request: ScanRequest, pulse: SharedArrayBuffer }

/** Merging the log is work for this thread, and less of it when it is done seldom. */
const CHECKPOINT_PAGES = 6000
/** For a first scan, which writes everywhere; a comparison reads each row once, and what it kept would stay with the process. */
const CACHE_KILOBYTES = 16 * 1024
const COMPARING_KILOBYTES = 1024
/** Files that make it worth to start further threads, which take memory of their own: to read them, and only to compare them. */
const LANES_FROM = 2000
const COMPARING_LANES_FROM = 20_000

const keptReport = (whole: boolean): ScanReport => ({ status: whole ? 'success' : 'cancelled', added: 0, updated: 0, removed: 0, moved: 0, roots: [], directories: [], remote: [], unread: [], unreadCount: 0 })

function run ({ cacheFile, stateFile, request, pulse }: ScanTask, post: (message: ScanMessage | LastMessage<ScanReport>) => void): void {
  const cache = openDatabase(cacheFile, { checkpointPages: CHECKPOINT_PAGES, cacheKilobytes: CACHE_KILOBYTES })
  const state = openDatabase(stateFile, { readonly: true })
  const open: { close (): void }[] = []
  try {
    const describe = createDescriber(createHashLedger(state), Date.now, createSidecarOverlay(state), createScratchReader())
    const beats = pulseOver(pulse)
    const roots = request.roots.map((root, index) => root.hung || !beats.beat(index) ? root : { ...root, local: !isRemoteMount(root.path) })
    const store = createModelStore(cache)
    const compares = !store.isEmpty(request.type)
    if (compares) cache.pragma(`cache_size = ${-COMPARING_KILOBYTES}`)
    const report = request.keepOnly === true
      ? keptReport(keepSidecars(store, request.type, roots, beats))
      : reconcile({ ...request, roots }, {
        store,
        describe,
        pulse: beats,
        post,
        lanes (files) {
          const count = Math.min(MOST_LANES, availableParallelism() - 1)
          if (files < (compares ? COMPARING_LANES_FROM : LANES_FROM) || count < 1) return null
          const lanes = openScanLanes(count, beats, (ports, answered) => { post({ kind: 'lanes', ports, answered }) })
          open.push(lanes)
          return lanes
        }
      })
    // Left in the log, it would be merged by the next to commit: the thread that answers requests.
    cache.pragma('wal_checkpoint(passive)')
    post({ kind: 'finished', report })
  } catch (error) {
    post({ kind: 'failed', message: error instanceof Error ? error.stack ?? error.message : String(error), corrupt: isCorruption(error) })
  } finally {
    for (const lanes of open) lanes.close()
    state.close()
    cache.close()
  }
}

const port = parentPort
if (port) {
  giveWay()
  run(workerData as ScanTask, (message) => { port.postMessage(message, message.kind === 'lanes' ? message.ports : []) })
}

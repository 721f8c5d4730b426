import { DomainError } from '../errors.ts'
import { setTimeout as pause } from 'node:timers/promises'
import { isBelow } from '../files/walk.ts'
import type { PathQueue } from '../files/path-queue.ts'
import type { Logger } from '../logger.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { IndexFeed } from './index-feed.ts'
import type { InitProgress } from './init-progress.ts'
import type { ModelIndex, ScanOutcome } from './ports.ts'
import type { RootBoard } from './root-board.ts'
import { createRootProgress, type RootProgress } from './root-progress.ts'
import { startScanThread, type ScanThreadOptions } from './scan-thread.ts'
import type { ScanMessage, ScanReport, ScanRequest, ScanRoot } from './scan-types.ts'

export interface LibraryScanDeps {
  index: ModelIndex
  feed: IndexFeed
  board: RootBoard
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
  logger: Logger
  /** What requests change meanwhile. */
  paths: Pick<PathQueue, 'turns' | 'busy' | 'idle'>
  thread: Pick<ScanThreadOptions, 'cacheFile' | 'stateFile' | 'hangMs'> & { worker?: URL }
  dotDirectories (): boolean
}

export interface ScanInput {
  full: boolean
  /** Only these directories; null for everything. */
  directories: string[] | null
  signal: AbortSignal
  report? (progress: { done: number, total: number, unit: string }): void
  /** Frames of the very first scan. */
  init?: InitProgress
}

/** Runs scans of one type in a thread, one after the other, and brings what they find into the index while they run. */
export interface LibraryScan {
  run (input: ScanInput): Promise<ScanOutcome>
  /** Takes in the sidecars that a first scan left for later. */
  keepSidecars (signal: AbortSignal): Promise<void>
  /** The next scan takes the root as it is. */
  accept (rootId: string): void
  /** Directories of the last whole scan that may be watched. */
  watchable (): string[]
}

/** How often a scan looks again because requests changed files under it, and how long it waits for them each time. */
const MOST_LOOKS = 3
const CHANGES_MS = 60_000

export function createLibraryScan (deps: LibraryScanDeps): LibraryScan {
  const { index, feed, board, hub, logger, paths } = deps
  const type = index.type
  const accepted = new Set<string>()
  /** Roots with a thread that sits in a call to their disk; they are not touched before it comes back. */
  const hung = new Set<string>()
  let directories: [path: string, key: string][] = []
  let remote: string[] = []

  async function run (asked: ScanInput): Promise<ScanOutcome> {
    const begun = performance.now()
    const input = { ...asked, directories: believable(asked.directories) }
    const total: ScanOutcome = { status: 'success', added: 0, updated: 0, removed: 0, moved: 0, message: '' }
    feed.beginScan()
    try {
      const report = await look(input)
      input.init?.finishing()
      if (report === null) total.status = 'cancelled'
      else take(report, input, total, performance.now() - begun)
    } finally {
      await feed.endScan()
    }
    announce(total)
    return { ...total, message: messageOf(total, type.label) }
  }

  /**
   * A few directories tell nothing of a root that was not online at the last look: what they show is judged by what the
   * whole root shows. Null: everything.
   */
  function believable (asked: string[] | null): string[] | null {
    // Before the first whole scan nobody knows which directories there are.
    if (asked === null || directories.length === 0) return null
    const doubted = board.roots().filter((root) => !board.isOnline(root.id)).map((root) => root.path)
    return asked.some((directory) => isBelow(directory, doubted)) ? null : asked
  }

  /**
   * One look at the disk that can be believed. A root that seems away while requests delete or move its files may only
   * show what they did: then it is looked at again when they are done. Null: cancelled.
   */
  async function look (input: ScanInput): Promise<ScanReport | null> {
    for (let looks = 1; ; looks++) {
      const { turns, busy } = paths
      const report = await runThread(input)
      if (report === null) {
        if (input.signal.aborted) return null
        continue
      }
      const doubted = report.roots.some(({ id, state }) => state !== 'online' && !hung.has(id))
      const undisturbed = !busy && turns === paths.turns
      if (!doubted || undisturbed || looks >= MOST_LOOKS || input.signal.aborted) return report
      await Promise.race([paths.idle(), pause(CHANGES_MS, undefined, { ref: false })])
    }
  }

  /** Null: a root hangs and is left out at the next try. */
  async function runThread (input: ScanInput): Promise<ScanReport | null> {
    const roots: ScanRoot[] = board.roots().map((root) => ({ ...root, hung: hung.has(root.id), accepted: accepted.has(root.id), local: true }))
    const request = { type: type.name, roots, full: input.full, directories: input.directories, known: input.directories ? directories : [], dotDirectories: deps.dotDirectories(), sweepBefore: directories.length === 0 ? performance.timeOrigin : null }
    const progress = createRootProgress(hub, type.name, roots)
    if (input.directories === null) progress.listing()
    return await runRequest(request, input.signal, (message) => { listen(message, input, progress) }).finally(() => { progress.complete() })
  }

  async function runRequest (request: ScanRequest, signal: AbortSignal, onMessage: (message: ScanMessage) => void): Promise<ScanReport | null> {
    const { roots } = request
    const thread = startScanThread({ ...deps.thread, request, onMessage })
    const stop = (): void => { thread.stop() }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      const outcome = await thread.outcome
      if (outcome.kind === 'finished') return outcome.report
      const root = roots[outcome.root]
      if (root) leaveAlone(root, outcome.ended)
      return null
    } catch (error) {
      if ((error as { corrupt?: unknown }).corrupt === true) throw new DomainError('unavailable', 'cache-damaged', 'The model cache is damaged; it is rebuilt at the next start', {}, { cause: error })
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  function leaveAlone (root: ScanRoot, ended: Promise<unknown>): void {
    logger.warn({ root: root.path }, 'the disk of a folder does not answer; it is left alone until it does')
    hung.add(root.id)
    ended.finally(() => { hung.delete(root.id) }).catch((error: unknown) => { logger.error({ err: error }, 'a scan thread ended badly') })
    board.record([{ id: root.id, state: 'offline', reason: 'The disk does not answer' }], { at: '', durationMs: 0, whole: false })
    index.setOfflineRoots(board.offline())
  }

  function listen (message: ScanMessage, { init, report }: ScanInput, progress: RootProgress): void {
    if (message.kind === 'listed') {
      init?.counted(message.models)
      progress.listed(message.byRoot)
    }
    if (message.kind !== 'batch') return
    feed.push(message.upserted, message.removed)
    report?.({ done: message.done, total: message.total, unit: 'files' })
    init?.processed(message.done, message.total)
    progress.processed(message.byRoot)
  }

  function take (report: ScanReport, input: ScanInput, total: ScanOutcome, durationMs: number): void {
    const { status, added, updated, removed, moved } = report
    Object.assign(total, { status, added, updated, removed, moved })
    const whole = input.directories === null && status === 'success'
    board.record(report.roots, { at: new Date().toISOString(), durationMs: Math.round(durationMs), whole })
    index.setOfflineRoots(board.offline())
    if (status === 'success') {
      directories = report.directories
      for (const root of report.roots) if (root.state === 'online') accepted.delete(root.id)
    }
    if (whole) remote = report.remote
    if (report.unreadCount > 0) logger.warn({ type: type.name, count: report.unreadCount, first: report.unread }, 'some files or folders could not be read; what is known of them is kept')
  }

  function announce ({ added, updated, removed, moved }: ScanOutcome): void {
    if (added + updated + removed + moved === 0) return
    hub.publish('models.changed', { model_type: type.name, created: added, updated: updated + moved, deleted: removed })
    hub.publish('facets.changed', { model_type: type.name })
    hub.broadcast('fetch', { type: 'models_changed' })
  }

  return {
    run,
    async keepSidecars (signal) {
      const roots = board.roots().filter((root) => board.isOnline(root.id) && !hung.has(root.id)).map((root) => ({ ...root, hung: false, accepted: false, local: true }))
      const request: ScanRequest = { type: type.name, roots, full: false, directories: null, known: [], dotDirectories: true, sweepBefore: null, keepOnly: true }
      await runRequest(request, signal, () => {})
    },
    accept (rootId) { accepted.add(rootId) },
    watchable () {
      const away = board.roots().filter((root) => remote.includes(root.id) || !board.isOnline(root.id)).map((root) => `${root.path}/`)
      return directories.map(([path]) => path).filter((path) => !away.some((root) => `${path}/`.startsWith(root)))
    }
  }
}

function messageOf ({ status, added, updated, removed, moved }: ScanOutcome, label: string): string {
  const counts = `${added} added, ${updated} updated, ${moved} moved, ${removed} removed`
  return status === 'cancelled' ? `${label} scan cancelled (${counts})` : `${label} scan completed (${counts})`
}

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
import type { IndexedModel } from './entry.ts'
import type { HashOutcome } from './hash-run.ts'
import type { ModelFiles } from './model-files.ts'
import type { DoneOnDisk, ModelIndex, ScanOutcome } from './ports.ts'
import type { RootBoard } from './root-board.ts'
import type { ModelStore } from './store.ts'
import type { ModelType } from './types.ts'

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
  tensorHash (filePath: string, signal?: AbortSignal): Promise<string>
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

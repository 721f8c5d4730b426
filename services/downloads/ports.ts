import type { ClientQueue } from './client-queue.ts'
import type { DownloadRecord, DownloadRequest, DownloadState, DownloadView, FinishedDownload } from './types.ts'
import type { VersionHistory } from './version-history.ts'

/** `core.downloads`: everything that brings model files from elsewhere. */
export interface Downloads {
  /** Which versions were ever downloaded. */
  readonly history: VersionHistory
  /** The passive list that clients keep with us. */
  readonly queue: ClientQueue
  /** Runs it as soon as there is a slot, or attaches to the one that runs under this id. @throws DomainError `unavailable` when too many wait */
  start (request: DownloadRequest): DownloadRecord
  /** Puts it into the queue that our worker runs, or answers the one that is active under this id. @throws DomainError `unavailable` when the queue is full */
  enqueue (request: DownloadRequest, title: string): DownloadView
  /** Resolves with the record in its final state. @throws DomainError `unavailable` when the server stops before */
  finished (id: string): Promise<DownloadRecord>
  get (id: string): DownloadView | undefined
  /** Newest first. */
  list (options: { limit: number, after?: string | undefined, state?: DownloadState | undefined }): { items: DownloadView[], next: string | null }
  /** Whether there was one to stop. What was loaded goes, unless it is to stay. Resolves when the work has ended, after two seconds at most. */
  stop (id: string, options: { keep: boolean }): Promise<boolean>
  /** @throws NotFoundError, ConflictError */
  pause (id: string): DownloadView
  /** @throws NotFoundError, ConflictError */
  resume (id: string): DownloadView
  /** Puts one that failed, was cancelled or skipped into the queue again. @throws NotFoundError, ConflictError */
  retry (id: string): DownloadView
  /** Told of every model that was loaded, after it is in the library. A failing listener is logged. */
  onFinished (listener: (finished: FinishedDownload) => void | Promise<void>): () => void
  /** After the jobs of the last run have been taken up. */
  recover (): void
  /** Marks what the libraries hold as downloaded, off the hot path. */
  markLibraries (): Promise<number>
  /** The server is about to stop: whoever waits for an end is told so now, nothing further begins. */
  letGo (): void
  close (): Promise<void>
}

import { startWorker } from '../workers/start-worker.ts'
import { startWatchedThread, type WatchedThread } from '../workers/watched-thread.ts'
import type { ScanMessage, ScanReport, ScanRequest } from './scan-types.ts'

export interface ScanThreadOptions {
  cacheFile: string
  stateFile: string
  request: ScanRequest
  onMessage (message: ScanMessage): void
  hangMs: number
  /** Module of the thread without extension; another one in tests. */
  worker?: URL
}

/** What a scan makes is soon garbage: room for more of it would only be memory that the process never gives back. */
const YOUNG_MEGABYTES = 24

/** Runs a scan in a worker thread and watches that it gets on. @throws when the thread fails */
export function startScanThread ({ worker, hangMs, onMessage, ...workerData }: ScanThreadOptions): WatchedThread<ScanReport> {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MEGABYTES }
  return startWatchedThread<ScanMessage, ScanReport>({
    worker: worker ?? new URL('./scan.worker', import.meta.url),
    workerData,
    resourceLimits,
    onMessage,
    help (message, pulse) {
      if (message.kind !== 'lanes') return []
      const { stateFile, request: { roots } } = workerData
      return message.ports.map((port, index) => startWorker(new URL('./scan-lane.worker', import.meta.url), {
        workerData: { stateFile, roots, pulse, lane: index + 1, port, answered: message.answered },
        transferList: [port],
        resourceLimits
      }))
    },
    hangMs
  })
}

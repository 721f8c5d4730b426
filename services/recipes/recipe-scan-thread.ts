import { startWatchedThread, type ThreadOutcome } from '../workers/watched-thread.ts'
import type { RecipeScanMessage, RecipeScanReport, RecipeScanRequest } from './recipe-scan.ts'

export interface RecipeScanThread {
  cacheFile: string
  hangMs: number
  /** Module of the thread without extension; another one in tests. */
  worker?: URL | undefined
}

/** Looks at the recipe directory in a worker thread; the report is null when it was stopped: what it wrote until then stays. */
export async function runRecipeScan ({ cacheFile, hangMs, worker }: RecipeScanThread, request: RecipeScanRequest, signal: AbortSignal, onRows: (message: RecipeScanMessage) => void): Promise<ThreadOutcome<RecipeScanReport | null>> {
  if (signal.aborted) return { kind: 'finished', report: null }
  const thread = startWatchedThread<RecipeScanMessage, RecipeScanReport | null>({
    worker: worker ?? new URL('./recipe-scan.worker', import.meta.url),
    workerData: { cacheFile, request },
    onMessage (message) { if (!signal.aborted) onRows(message) },
    hangMs
  })
  signal.addEventListener('abort', thread.stop, { once: true })
  return await thread.outcome.finally(() => { signal.removeEventListener('abort', thread.stop) })
}

import { startWorker } from '../workers/start-worker.ts'
import type { RecipeScanMessage, RecipeScanReport } from './recipe-scan.ts'
import type { RecipeScanTask } from './recipe-scan.worker.ts'

/**
 * Looks at the recipe directory in a worker thread. Null when it was stopped: what it wrote until then stays. A thread that
 * hangs in a call to its disk is left alone and ends when the call does.
 */
export async function runRecipeScan (task: RecipeScanTask, signal: AbortSignal, onRows: (message: Extract<RecipeScanMessage, { kind: 'rows' }>) => void): Promise<RecipeScanReport | null> {
  if (signal.aborted) return null
  const worker = startWorker(new URL('./recipe-scan.worker', import.meta.url), { workerData: task })
  return await new Promise((resolve, reject) => {
    let report: RecipeScanReport | null = null
    const stop = (): void => {
      worker.unref()
      worker.terminate().catch(reject)
      resolve(null)
    }
    signal.addEventListener('abort', stop, { once: true })
    worker.on('message', (message: RecipeScanMessage) => {
      if (message.kind === 'finished') report = message.report
      else if (message.kind === 'failed') reject(new Error(message.message))
      else if (!signal.aborted) onRows(message)
    })
    worker.once('error', reject)
    worker.once('exit', () => {
      signal.removeEventListener('abort', stop)
      if (report || signal.aborted) resolve(report)
      else reject(new Error('The scan of the recipes ended unexpectedly'))
    })
  })
}

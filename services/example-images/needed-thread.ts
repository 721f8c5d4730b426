import type { Worker } from 'node:worker_threads'
import { OfflineError } from '../errors.ts'
import { startWorker } from '../workers/start-worker.ts'
import type { PendingCounts } from './count-needed.ts'
import type { NeededMessage, NeededTask } from './needed.worker.ts'

/** A page asks more than once; what the thread has read may stay so long. */
const IDLE_MS = 30_000

/**
 * Counts in a thread that lives on for a while and remembers what it read. One task at a time.
 * @throws OfflineError when the folder of example images can not be read
 */
export function createNeededThread (): (task: NeededTask) => Promise<PendingCounts> {
  let present: Worker | undefined
  let idle: NodeJS.Timeout | undefined

  function open (): Worker {
    const worker = startWorker(new URL('./needed.worker', import.meta.url))
    worker.unref()
    const forget = (): void => { if (present === worker) present = undefined }
    worker.once('error', forget)
    worker.once('exit', forget)
    return worker
  }

  return async (task) => {
    clearTimeout(idle)
    const worker = present ??= open()
    try {
      return await answerOf(worker, task)
    } finally {
      idle = setTimeout(() => {
        // Whoever comes while it ends needs another one.
        present = undefined
        worker.postMessage(null)
      }, IDLE_MS).unref()
    }
  }
}

async function answerOf (worker: Worker, task: NeededTask): Promise<PendingCounts> {
  return await new Promise((resolve, reject) => {
    const ended = (): void => { settle(() => { reject(new Error('The thread that counts example images ended unexpectedly')) }) }
    const failed = (error: Error): void => { settle(() => { reject(error) }) }
    const answered = (message: NeededMessage): void => {
      settle(() => {
        if ('counts' in message) resolve(message.counts)
        else reject('away' in message ? new OfflineError(message.away, 'example-images-away') : new Error(message.failed))
      })
    }
    function settle (how: () => void): void {
      worker.off('message', answered).off('error', failed).off('exit', ended)
      how()
    }
    worker.once('message', answered).once('error', failed).once('exit', ended)
    worker.postMessage(task, task.digests.map(({ buffer }) => buffer))
  })
}

import { startWorker } from '../workers/start-worker.ts'
import { HashingError } from './hashing-error.ts'
import type { FileHash } from './hash-file.ts'
import { createLane, type HashTask, type Lane } from './lane.ts'

export interface HashOptions {
  /** Aborting rejects with the signal's reason at once; the thread stops at its next block. */
  signal?: AbortSignal | undefined
  /** Also hash what follows the safetensors header (AutoV3). Costs as much again. */
  alsoTensorHash?: boolean | undefined
  /** Bytes of the file hashed so far, about five times a second. */
  onBytes?: ((bytes: number) => void) | undefined
}

export interface HashPool {
  /**
   * SHA-256 of one regular file. Calls beyond the number of lanes wait in the order they came.
   * @throws HashingError with code `not-found`, `not-a-regular-file`, `changed-while-read`, `read-failed`, `worker-failed` or `closed`
   */
  hash (path: string, options?: HashOptions): Promise<FileHash>
  /** Ends what runs and what waits (`closed`) and stops the threads. */
  close (): Promise<void>
}

export interface HashPoolOptions {
  /** Files hashed at the same time, each in its own thread. */
  lanes: number
  /** Milliseconds after which an idle thread ends. */
  idleMs?: number
  /** URL of the thread's module without extension. */
  worker?: URL
}

export function createHashPool (options: HashPoolOptions): HashPool {
  const waiting: HashTask[] = []
  let closed = false
  const entry = options.worker ?? new URL('./sha256.worker', import.meta.url)
  const lanes: Lane[] = Array.from({ length: Math.max(1, options.lanes) }, () => createLane({
    start: (workerOptions) => startWorker(entry, workerOptions),
    idleMs: options.idleMs ?? 10_000,
    onFree: dispatch,
    onCrash: (task) => { waiting.unshift(task) }
  }))

  function dispatch (): void {
    if (closed) return
    for (const lane of lanes) {
      if (lane.task) continue
      const next = waiting.shift()
      if (!next) return
      lane.run(next)
    }
  }

  function hash (path: string, { signal, alsoTensorHash = false, onBytes }: HashOptions = {}): Promise<FileHash> {
    if (closed) return Promise.reject(new HashingError('closed'))
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const release = (): void => { signal?.removeEventListener('abort', abort) }
      const task: HashTask = {
        path,
        alsoTensorHash,
        onBytes,
        crashes: 0,
        succeed (result) { release(); resolve(result) },
        fail (error) { release(); reject(error) }
      }
      function abort (): void {
        const place = waiting.indexOf(task)
        if (place >= 0) waiting.splice(place, 1)
        for (const lane of lanes) if (lane.task === task) lane.cancel()
        task.fail(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      waiting.push(task)
      dispatch()
    })
  }

  async function close (): Promise<void> {
    closed = true
    for (const task of waiting.splice(0)) task.fail(new HashingError('closed'))
    await Promise.all(lanes.map((lane) => lane.close()))
  }

  return { hash, close }
}

import type { Worker, WorkerOptions } from 'node:worker_threads'
import { HashingError } from './hashing-error.ts'
import type { FileHash } from './hash-file.ts'
import type { HashReply, HashRequest, WorkerData } from './messages.ts'

/** One file to hash. A task that was aborted has failed before its thread notices; what it says afterwards changes nothing. */
export interface HashTask {
  path: string
  alsoTensorHash: boolean
  onBytes: ((bytes: number) => void) | undefined
  /** Attempts that ended because the thread died. */
  crashes: number
  succeed: (result: FileHash) => void
  fail: (error: unknown) => void
}

export interface Lane {
  readonly task: HashTask | null
  run (task: HashTask): void
  /** Makes the thread give up its task at the next block. */
  cancel (): void
  close (): Promise<void>
}

export interface LaneOptions {
  start: (options: WorkerOptions) => Worker
  /** Milliseconds without work after which the thread ends. */
  idleMs: number
  /** The lane is free again. */
  onFree: () => void
  /** The thread died with this task in hand. */
  onCrash: (task: HashTask) => void
}

/** One place for one hashing thread, which is started when it is needed and ended when it has long had nothing to do. */
export function createLane (options: LaneOptions): Lane {
  const cancel = new Int32Array(new SharedArrayBuffer(4))
  let worker: Worker | undefined
  let task: HashTask | null = null
  let idle: NodeJS.Timeout | undefined
  let lastError: Error | undefined

  const isCancelled = (): boolean => Atomics.load(cancel, 0) === 1

  function open (): Worker {
    const started = options.start({ workerData: { cancel } satisfies WorkerData })
    started.on('message', (reply: HashReply) => { receive(reply) })
    // The exit that follows an uncaught error does the rest.
    started.on('error', (error) => { lastError = error })
    started.on('exit', () => { lost(started) })
    return started
  }

  function receive (reply: HashReply): void {
    const current = task
    if (!current) return
    if (reply.kind === 'progress') {
      if (!isCancelled()) current.onBytes?.(reply.bytes)
      return
    }
    task = null
    worker?.unref()
    idle = setTimeout(stop, options.idleMs).unref()
    if (reply.kind === 'done') current.succeed(reply.result)
    else current.fail(reply.kind === 'failed' ? new HashingError(reply.code, reply.detail) : new HashingError('closed'))
    options.onFree()
  }

  function lost (gone: Worker): void {
    if (worker !== gone) return
    worker = undefined
    const current = task
    task = null
    if (!current) return
    if (isCancelled() || current.crashes > 0) current.fail(new HashingError('worker-failed', lastError?.message ?? ''))
    else {
      current.crashes++
      options.onCrash(current)
    }
    options.onFree()
  }

  async function stop (): Promise<void> {
    clearTimeout(idle)
    const ending = worker
    worker = undefined
    await ending?.terminate()
  }

  return {
    get task () { return task },
    run (next) {
      clearTimeout(idle)
      task = next
      Atomics.store(cancel, 0, 0)
      worker ??= open()
      worker.ref()
      const { path, alsoTensorHash, onBytes } = next
      worker.postMessage({ path, alsoTensorHash, progress: onBytes !== undefined } satisfies HashRequest)
    },
    cancel () { Atomics.store(cancel, 0, 1) },
    async close () {
      Atomics.store(cancel, 0, 1)
      const current = task
      task = null
      current?.fail(new HashingError('closed'))
      await stop()
    }
  }
}

import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread from a module of ours. `entry` is its URL without extension: built code runs the `.js`, sources run
 * the `.ts` through the loader of the process, which worker threads take over.
 */
export function startWorker (entry: URL, options: WorkerOptions = {}): Worker {
  return new Worker(new URL(`${entry.href}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`), options)
}

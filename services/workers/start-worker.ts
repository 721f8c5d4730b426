import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread from a module of ours. `entry` is its URL without extension: built code runs the `.js`, and for
 * sources the loader of the process names a file that needs no loader. The thread takes over no flags of the process, nor
 * those of NODE_OPTIONS: what they load would cost every thread more than its own work.
 */
export function startWorker (entry: URL, options: WorkerOptions = {}): Worker {
  const module = import.meta.url.endsWith('.ts') ? import.meta.resolve(`${entry.href}.ts`) : `${entry.href}.js`
  return new Worker(new URL(module), { ...options, execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } })
}

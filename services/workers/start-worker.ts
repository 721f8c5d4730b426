import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread from a module of ours. `entry` is its URL without extension:
 * built code runs the `.js`; sources run the `.ts` through the loader that runs this file,
 * which worker threads of Node 20 do not inherit.
 */
export function startWorker (entry: URL, options: WorkerOptions = {}): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`${entry.href}.js`), options)
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const source = JSON.stringify(`${entry.href}.ts`)
  return new Worker(`import(${loader}).then((tsx) => { tsx.register(); return import(${source}) })`, { ...options, eval: true })
}

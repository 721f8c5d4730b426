import { parentPort, workerData } from 'node:worker_threads'
import { isCorruption, openDatabase } from '../database/open.ts'
import { pulseOver } from '../workers/pulse.ts'
import type { LastMessage } from '../workers/watched-thread.ts'
import { scanRecipes, type RecipeScanMessage, type RecipeScanReport, type RecipeScanRequest } from './recipe-scan.ts'
import { createRecipeStore } from './recipe-store.ts'

/** One look at the recipe directory in a thread of its own: it opens the cache itself, writes rows and tells which. */
export interface RecipeScanTask { cacheFile: string, request: RecipeScanRequest, pulse: SharedArrayBuffer }

async function run ({ cacheFile, request, pulse }: RecipeScanTask, post: (message: RecipeScanMessage | LastMessage<RecipeScanReport | null>) => void): Promise<void> {
  const db = openDatabase(cacheFile)
  const beats = pulseOver(pulse)
  try {
    post({ kind: 'finished', report: await scanRecipes({ store: createRecipeStore(db), post, proceed: () => beats.beat(0) }, request) })
  } catch (error) {
    post({ kind: 'failed', message: error instanceof Error ? error.stack ?? error.message : String(error), corrupt: isCorruption(error) })
  } finally {
    db.close()
  }
}

const port = parentPort
if (port) await run(workerData as RecipeScanTask, (message) => { port.postMessage(message) })

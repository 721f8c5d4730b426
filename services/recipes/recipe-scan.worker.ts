import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../database/open.ts'
import { scanRecipes, type RecipeScanMessage, type RecipeScanRequest } from './recipe-scan.ts'
import { createRecipeStore } from './recipe-store.ts'

/** One look at the recipe directory in a thread of its own: it opens the cache itself, writes rows and tells which. */
export interface RecipeScanTask { cacheFile: string, request: RecipeScanRequest }

async function run ({ cacheFile, request }: RecipeScanTask, post: (message: RecipeScanMessage) => void): Promise<void> {
  const db = openDatabase(cacheFile)
  try {
    post({ kind: 'finished', report: await scanRecipes(createRecipeStore(db), request, post) })
  } catch (error) {
    post({ kind: 'failed', message: error instanceof Error ? error.stack ?? error.message : String(error) })
  } finally {
    db.close()
  }
}

const port = parentPort
if (port) await run(workerData as RecipeScanTask, (message) => { port.postMessage(message) })

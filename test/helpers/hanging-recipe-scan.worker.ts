import { existsSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { pulseOver } from '../../services/workers/pulse.ts'
import type { RecipeScanTask } from '../../services/recipes/recipe-scan.worker.ts'

/** A scan of recipes whose call to the disk does not return for a while when the directory holds a file `hangs`; else as usual. */
const { request, pulse } = workerData as RecipeScanTask
if (existsSync(`${request.root}/hangs`)) {
  pulseOver(pulse).beat(0)
  const never = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(never, 0, 0, 3000)
} else {
  await import('../../services/recipes/recipe-scan.worker.ts')
}

import { workerData } from 'node:worker_threads'
import { pulseOver } from '../../services/workers/pulse.ts'
import type { ScanRequest } from '../../services/models/scan-types.ts'

/** A scan whose call to the disk of any root named `hung` does not return for some seconds; others are scanned as usual. */
const { request, pulse } = workerData as { request: ScanRequest, pulse: SharedArrayBuffer }
const stuck = request.roots.findIndex((root) => root.path.endsWith('/hung') && !root.hung)
if (stuck >= 0) {
  pulseOver(pulse).beat(stuck)
  const never = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(never, 0, 0, 5000)
} else {
  await import('../../services/models/scan.worker.ts')
}

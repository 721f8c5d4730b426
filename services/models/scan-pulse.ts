import type { ScanPulse } from './scan-types.ts'

/** Cells of the shared memory: 0 stop flag, 1 count of calls, 2 index of the root being read, plus one. */
const STOP = 0
const COUNT = 1
const ROOT = 2

export function createPulseMemory (): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)
}

/** The worker's side. */
export function pulseOver (memory: SharedArrayBuffer): ScanPulse {
  const cells = new Int32Array(memory)
  return {
    beat (root) {
      Atomics.store(cells, ROOT, root + 1)
      Atomics.add(cells, COUNT, 1)
      return Atomics.load(cells, STOP) === 0
    }
  }
}

/** The main thread's side. */
export function watchPulse (memory: SharedArrayBuffer): { stop (): void, count (): number, root (): number } {
  const cells = new Int32Array(memory)
  return {
    stop () { Atomics.store(cells, STOP, 1) },
    count: () => Atomics.load(cells, COUNT),
    root: () => Atomics.load(cells, ROOT) - 1
  }
}

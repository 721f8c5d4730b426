/** How work in a thread and whoever started it stay in touch without messages (a blocked thread reads none). */
export interface Pulse {
  /** Notes that a call to a root's disk is about to be made; false when the work shall stop. */
  beat (root: number): boolean
}

/** Cells of the shared memory: 0 stop flag, 1 count of calls, 2 index of the root being read, plus one. */
const STOP = 0
const COUNT = 1
const ROOT = 2

export function createPulseMemory (): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)
}

/** The worker's side. */
export function pulseOver (memory: SharedArrayBuffer): Pulse {
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

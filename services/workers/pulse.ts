/** How work in a thread and whoever started it stay in touch without messages (a blocked thread reads none). */
export interface Pulse {
  /** Notes that a call to a root's disk is about to be made; false when the work shall stop. */
  beat (root: number): boolean
}

export interface RestingPulse extends Pulse {
  /** Notes that no disk is waited for; false when the work shall stop. */
  rest (): boolean
}

/** Cells of the shared memory: 0 stop flag, 1 count of calls, then per thread the index of the root it reads, plus one. */
const STOP = 0
const COUNT = 1
const ROOTS = 2
/** Threads that may help the one that leads the work. */
export const MOST_LANES = 3

export function createPulseMemory (): SharedArrayBuffer {
  return new SharedArrayBuffer((ROOTS + 1 + MOST_LANES) * Int32Array.BYTES_PER_ELEMENT)
}

/** The side of a thread that works; 0 leads. */
export function pulseOver (memory: SharedArrayBuffer, thread = 0): RestingPulse {
  const cells = new Int32Array(memory)
  const goesOn = (): boolean => Atomics.load(cells, STOP) === 0
  return {
    beat (root) {
      Atomics.store(cells, ROOTS + thread, root + 1)
      Atomics.add(cells, COUNT, 1)
      return goesOn()
    },
    rest () {
      Atomics.store(cells, ROOTS + thread, 0)
      return goesOn()
    }
  }
}

/** The main thread's side. `root`: one that is being read, -1 when none is; where nothing has moved for long, it is the one that hangs. */
export function watchPulse (memory: SharedArrayBuffer): { stop (): void, count (): number, root (): number } {
  const cells = new Int32Array(memory)
  return {
    stop () { Atomics.store(cells, STOP, 1) },
    count: () => Atomics.load(cells, COUNT),
    root: () => {
      const busy = Array.from(cells.subarray(ROOTS)).find((cell) => cell > 0)
      return busy === undefined ? -1 : busy - 1
    }
  }
}

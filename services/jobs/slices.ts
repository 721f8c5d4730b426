import { setImmediate as nextTurn } from 'node:timers/promises'

const SLICE_MS = 5

/** For long loops: awaited after each step, it gives requests their turn whenever a slice of work is over. */
export function createSlices (): () => Promise<void> | undefined {
  let ends = performance.now() + SLICE_MS
  return () => {
    if (performance.now() < ends) return undefined
    return nextTurn().then(() => { ends = performance.now() + SLICE_MS })
  }
}

/** What `work` makes of each item, in order; requests get their turn whenever a slice is over. Stops at what it throws. */
export async function mapInSlices<T, R> (items: Iterable<T>, work: (item: T) => R): Promise<R[]> {
  const slice = createSlices()
  const made: R[] = []
  for (const item of items) {
    made.push(work(item))
    await slice()
  }
  return made
}

export type Compare = (a: number, b: number) => number

const RUN = 512
const CHECK_EVERY = 256

/** A merge sort of slots that works in slices, so that the loop stays free; between slices slots may become stale. */
export interface SlicedMerge {
  /** Works until the deadline (of `performance.now()`); true when done. */
  step (deadline: number): boolean
  /** The sorted slots without those that became stale; only when done. */
  result (): Uint32Array
}

export interface SlicedMergeInput {
  sorted: Uint32Array
  loose: Uint32Array
  compare: Compare
  /** The same, but quicker where each slot is compared only with its neighbours. */
  compareOnce?: Compare | undefined
  isStale (slot: number): boolean
  anyStale (): boolean
}

/**
 * Merges `sorted` (in order already) with `loose`. A slot that becomes stale, because its key changed, is left out:
 * stale heads are skipped before anything is compared with them, so the order of the others stays sound.
 */
export function createSlicedMerge ({ sorted, loose, compare, compareOnce = compare, isStale, anyStale }: SlicedMergeInput): SlicedMerge {
  let taken = 0
  let runs: Uint32Array[] = []
  let merged: Uint32Array[] = []
  let merge: Merge | null = null

  const sortRun = (): void => {
    const some = loose.slice(taken, taken + RUN)
    const run = anyStale() ? some.filter((slot) => !isStale(slot)) : some
    if (!isSorted(run, compareOnce)) run.sort(compare)
    taken += RUN
    runs.push(run)
    if (taken >= loose.length) runs.push(sorted)
  }

  const nextMerge = (): boolean => {
    if (runs.length === 0 && merged.length > 1) {
      runs = merged
      merged = []
    }
    const a = runs.shift()
    const b = runs.shift()
    if (a && b) merge = createMerge(a, b, compare, isStale, anyStale)
    else if (a) merged.push(a)
    return runs.length === 0 && merge === null && merged.length <= 1
  }

  return {
    step: (deadline) => {
      if (loose.length === 0 && merged.length === 0) merged.push(sorted)
      while (performance.now() < deadline) {
        if (taken < loose.length) sortRun()
        else if (merge) {
          if (!merge.advance(CHECK_EVERY)) continue
          merged.push(merge.output())
          merge = null
        } else if (nextMerge()) return true
      }
      return false
    },
    result: () => {
      const all = merged[0] ?? new Uint32Array(0)
      return anyStale() ? all.filter((slot) => !isStale(slot)) : all
    }
  }
}

function isSorted (run: Uint32Array, compare: Compare): boolean {
  for (let i = 1; i < run.length; i++) if (compare(run[i - 1] as number, run[i] as number) > 0) return false
  return true
}

interface Merge { advance (count: number): boolean, output (): Uint32Array }

function createMerge (a: Uint32Array, b: Uint32Array, compare: Compare, isStale: (slot: number) => boolean, anyStale: () => boolean): Merge {
  const out = new Uint32Array(a.length + b.length)
  let i = 0
  let j = 0
  let length = 0

  const takeRest = (rest: Uint32Array, from: number): void => {
    out.set(rest.subarray(from), length)
    length += rest.length - from
  }

  /** Nothing is stale, so nothing has to be passed over. */
  const advanceClean = (count: number): boolean => {
    for (let done = 0; done < count; done++) {
      if (i >= a.length || j >= b.length) {
        takeRest(a, i)
        takeRest(b, j)
        i = a.length
        j = b.length
        return true
      }
      out[length++] = (compare(a[i] as number, b[j] as number) <= 0 ? a[i++] : b[j++]) as number
    }
    return false
  }

  return {
    advance: (count) => {
      if (!anyStale()) {
        // What came in order needs no merging.
        if (length === 0 && a.length > 0 && b.length > 0 && compare(a[a.length - 1] as number, b[0] as number) <= 0) {
          takeRest(a, 0)
          i = a.length
        }
        return advanceClean(count)
      }
      for (let done = 0; done < count; done++) {
        while (i < a.length && isStale(a[i] as number)) i++
        while (j < b.length && isStale(b[j] as number)) j++
        if (i >= a.length && j >= b.length) return true
        const fromA = j >= b.length || (i < a.length && compare(a[i] as number, b[j] as number) <= 0)
        out[length++] = (fromA ? a[i++] : b[j++]) as number
      }
      return false
    },
    output: () => out.subarray(0, length)
  }
}

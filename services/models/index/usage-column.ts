import { eachBit } from './bit-set.ts'
import type { Corpus } from './corpus.ts'
import type { UsageCounts } from '../ports.ts'

/** How often each model was used, by slot; asking for all is slow, so that only changed ones are asked for again. */
export interface UsageColumn {
  /** Version of the counts; another one means other counts. */
  readonly version: number
  touch (slot: number): void
  read (): Uint32Array
}

export function createUsageColumn (corpus: Corpus, usage: UsageCounts): UsageColumn {
  let counts = new Uint32Array(0)
  let countedVersion = -1
  let changed: number[] = []

  const count = (slot: number): void => {
    counts[slot] = usage.count({ sha256: corpus.text(slot, 'sha256') })
  }

  return {
    get version () { return usage.version },
    touch: (slot) => {
      if (countedVersion < 0) return
      changed.push(slot)
      if (changed.length <= corpus.limit) return
      changed = []
      countedVersion = -1
    },
    read: () => {
      const all = countedVersion !== usage.version
      if (counts.length < corpus.limit) {
        const wider = new Uint32Array(corpus.limit)
        wider.set(counts)
        counts = wider
      }
      if (all) eachBit(corpus.live, count)
      else for (const slot of changed) count(slot)
      changed = []
      countedVersion = usage.version
      return counts
    }
  }
}

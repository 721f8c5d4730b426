import type { Root } from '../files/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { ModelTypeName } from './types.ts'

/** Tells how far one run of a scan is, folder by folder. */
export interface RootProgress {
  /** All folders are about to be listed. */
  listing (): void
  /** Files found per folder, in the order of the folders. */
  listed (totals: readonly number[]): void
  /** Files looked at per folder; folders that did not get on are not told again. */
  processed (done: readonly number[]): void
  /** Whatever became of it: nobody waits for more of this run. */
  complete (): void
}

export function createRootProgress (hub: Pick<ProgressHub, 'publish'>, type: ModelTypeName, roots: readonly Root[]): RootProgress {
  /** Folders that clients heard of, with what they heard last. */
  const told = new Map<number, number>()
  let totals: readonly number[] = []

  function tell (at: number, stage: string, done: number, total = totals[at] ?? 0): void {
    const root = roots[at]
    if (!root) return
    told.set(at, done)
    hub.publish('scan.progress', { model_type: type, root: root.path, stage, done, total })
  }

  return {
    listing () { for (const at of roots.keys()) tell(at, 'scan_folders', 0, 0) },
    listed (found) { totals = found },
    processed (done) {
      for (const [at, count] of done.entries()) if (count > 0 && told.get(at) !== count) tell(at, 'process_models', count)
    },
    complete () {
      for (const [at, done] of told) tell(at, 'complete', done)
      told.clear()
    }
  }
}

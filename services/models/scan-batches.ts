import type { ModelStore } from './store.ts'
import type { StoredModel } from './stored-model.ts'
import type { ScanMessage } from './scan-types.ts'

export interface ScanBatches {
  /** Queues a row; `movedFrom` is the id of the row whose file this is, `fresh` says that its path has none. */
  put (row: StoredModel, options: { movedFrom: number | undefined, fresh: boolean }): void
  remove (rows: readonly { id: number, file_path: string }[], remember: boolean): void
  /** Writes what is queued; what is written is told afterwards, so that nothing visible can be lost. */
  flush (): void
  /** `byRoot` is read when it is told. */
  progress (done: number, total: number, byRoot: readonly number[]): void
  readonly removed: number
}

const ROWS = 250
const REMOVED = 200
const WRITE_MS = 250
const TELL_MS = 200

/** Collects rows and writes them in transactions short enough for other threads not to notice. */
export function createScanBatches (store: ModelStore, post: (message: ScanMessage) => void): ScanBatches {
  let queue: { row: StoredModel, movedFrom: number | undefined, fresh: boolean }[] = []
  let done = 0
  let total = 0
  let doneByRoot: readonly number[] = []
  let told = 0
  let oldest = 0
  let removedCount = 0

  const write = store.db.transaction(() => {
    const displaced = queue.flatMap(({ row, movedFrom }) => movedFrom === undefined ? [] : store.relocate(movedFrom, row.model.file_path))
    const upserted = store.upsert(queue.map(({ row }) => row), { fresh: queue.every(({ fresh }) => fresh) })
    return { upserted, displaced }
  })

  function tell (upserted: number[], removed: number[]): void {
    told = performance.now()
    post({ kind: 'batch', upserted, removed, done, total, byRoot: [...doneByRoot] })
  }

  function flush (): void {
    if (queue.length === 0) return
    const { upserted, displaced } = write.immediate()
    queue = []
    tell(upserted, displaced)
  }

  return {
    get removed () { return removedCount },
    put (row, { movedFrom, fresh }) {
      if (queue.length === 0) oldest = performance.now()
      queue.push({ row, movedFrom, fresh })
      if (queue.length >= ROWS || performance.now() - oldest > WRITE_MS) flush()
    },
    remove (rows, remember) {
      for (let at = 0; at < rows.length; at += REMOVED) {
        const gone = store.remove(rows.slice(at, at + REMOVED), { remember })
        removedCount += gone.length
        tell([], gone)
      }
    },
    flush,
    progress (nowDone, ofTotal, byRoot) {
      doneByRoot = byRoot
      done = nowDone
      total = ofTotal
      if (done === total || performance.now() - told > TELL_MS) tell([], [])
    }
  }
}

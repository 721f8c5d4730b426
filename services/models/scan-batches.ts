import type { ModelStore } from './store.ts'
import type { RowCells } from './stored-model.ts'
import type { ScanMessage } from './scan-types.ts'

export interface ScanBatches {
  /** Queues the row of a path; `movedFrom` is the id of the row whose file this is, `fresh` says that the path has none. */
  put (path: string, row: RowCells, options: { movedFrom: number | undefined, fresh: boolean }): void
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
  let queue: { path: string, row: RowCells, movedFrom: number | undefined, fresh: boolean }[] = []
  let done = 0
  let total = 0
  let doneByRoot: readonly number[] = []
  let told = 0
  let oldest = 0
  let removedCount = 0

  const writeQueue = store.db.transaction(() => {
    const displaced = queue.flatMap(({ path, movedFrom }) => movedFrom === undefined ? [] : store.relocate(movedFrom, path))
    const upserted = store.write(queue.map(({ row }) => row), { fresh: queue.every(({ fresh }) => fresh) })
    return { upserted, displaced }
  })

  /** What was written and not told yet: every message interrupts the thread that answers requests. */
  let upsertedIds: number[] = []
  let removedIds: number[] = []

  function tell (): void {
    told = performance.now()
    post({ kind: 'batch', upserted: upsertedIds, removed: removedIds, done, total, byRoot: [...doneByRoot] })
    upsertedIds = []
    removedIds = []
  }

  function tellSometimes (): void {
    if (performance.now() - told > TELL_MS) tell()
  }

  function write (): void {
    if (queue.length === 0) return
    const { upserted, displaced } = writeQueue.immediate()
    queue = []
    for (const id of upserted) upsertedIds.push(id)
    for (const id of displaced) removedIds.push(id)
  }

  return {
    get removed () { return removedCount },
    put (path, row, { movedFrom, fresh }) {
      if (queue.length === 0) oldest = performance.now()
      queue.push({ path, row, movedFrom, fresh })
      if (queue.length < ROWS && performance.now() - oldest <= WRITE_MS) return
      write()
      tellSometimes()
    },
    remove (rows, remember) {
      for (let at = 0; at < rows.length; at += REMOVED) {
        const gone = store.remove(rows.slice(at, at + REMOVED), { remember })
        removedCount += gone.length
        for (const id of gone) removedIds.push(id)
        tell()
      }
    },
    flush () {
      write()
      if (upsertedIds.length + removedIds.length > 0) tell()
    },
    progress (nowDone, ofTotal, byRoot) {
      doneByRoot = byRoot
      done = nowDone
      total = ofTotal
      if (done === total) tell()
      else tellSometimes()
    }
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import { longestMatchingRoot } from '../files/safe-path.ts'
import type { createDescriber } from './describe-files.ts'
import type { IndexedModel } from './entry.ts'
import type { HashedFile, HashLedger } from './hash-ledger.ts'
import type { IndexFeed } from './index-feed.ts'
import { inspectFile } from './inspect-file.ts'
import { modelName } from './model-name.ts'
import { unpackModel } from './packed-model.ts'
import type { DoneOnDisk, ModelIndex } from './ports.ts'
import type { DirectoryNames } from './preview-file.ts'
import type { RootBoard } from './root-board.ts'
import type { FoundFile, ScanRoot } from './scan-types.ts'
import type { SidecarOverlay } from './sidecar-overlay.ts'
import type { KnownModel, ModelStore } from './store.ts'
import type { StoredModel } from './stored-model.ts'

export interface SettleDeps {
  store: ModelStore
  index: ModelIndex
  feed: Pick<IndexFeed, 'touch'>
  board: Pick<RootBoard, 'roots' | 'isOnline'>
  ledger: HashLedger
  overlay: Pick<SidecarOverlay, 'relocate'>
  describe: ReturnType<typeof createDescriber>
  /** The library is being closed: nothing more may be written or shown. */
  isEnding (): boolean
  /** Rows were written whose hash or sidecar is still to come. */
  onUnfinished (): void
  /** Now and then, when rows were written. */
  onWritten (): void
}

/** A row to be written: where it lies now, and the row that it was before. */
interface Task { path: string, root: ScanRoot, known: KnownModel | undefined, from: string | null }
interface Described extends Task { row: StoredModel }

/** Files looked at side by side. */
const LOOKS = 8
/** Rows per transaction at first and at most, and the milliseconds it may take; then requests get their turn. */
const SLICE = 2
const MOST = 8
const SLICE_MS = 4

/**
 * Brings rows and index in step with what was done on disk; see the library's port. Moved rows keep their id and hashes,
 * since the file is the same one. The caller holds the paths.
 */
export function createSettle (deps: SettleDeps): (done: DoneOnDisk) => Promise<IndexedModel[]> {
  const { store, index, feed, ledger } = deps
  const type = index.type

  function taskOf (path: string, from: string | null): Task | undefined {
    const root = longestMatchingRoot(deps.board.roots(), path)
    if (!root || !type.extensions.includes(modelName(path).extension)) return undefined
    const known = (from === null ? undefined : store.find(type.name, from)) ?? store.find(type.name, path)
    return { path, root: { ...root, hung: false, accepted: false, local: true }, known, from }
  }

  /** Rows of files that are gone; nothing is kept for an heir, the journal keeps the files. */
  async function drop (paths: readonly string[]): Promise<void> {
    // Before the first pause: what a scan wrote of them meanwhile is not to be shown.
    for (const path of paths) feed.touch(path)
    const slices = sliced(paths)
    for (let some = slices.next(); some.length > 0 && !deps.isEnding(); some = slices.next()) {
      slices.timed(() => {
        const rows = some.flatMap((path) => store.find(type.name, path) ?? [])
        if (rows.length > 0) index.apply({ remove: store.remove(rows, { remember: false }) })
      })
      if (slices.left() > 0) await nextTurn()
    }
  }

  function describe (task: Task, file: FoundFile): Described {
    const { known, from, path } = task
    if (from !== null) deps.overlay.relocate(type.name, from, path)
    const moved = known !== undefined && from !== null && known.file_path === from
    const computed = moved ? ledger.find(identityOf(from, known)) : undefined
    // A copy to another disk may have lost the time; what the journal moved is the same file all the same.
    const same = moved && known.file_size === file.stats.size
    const inherited = file.sidecar || !known ? null : store.sidecar(type.name, known.file_path) ?? null
    const hash = same ? computed : undefined
    if (hash) ledger.put({ path, size: file.stats.size, mtimeMs: file.stats.mtimeMs, dev: file.stats.dev, ino: file.stats.ino }, hash)
    const row = deps.describe(file, same ? { ...known, file_mtime: file.stats.mtimeMs } : known, inherited)
    return { ...task, row }
  }

  const write = store.db.transaction((described: readonly Described[]): { ids: number[], gone: number[] } => {
    // In the order in which it was done: what stood at a target has left it before.
    const gone = described.flatMap(({ known, path }) => known && known.file_path !== path ? store.relocate(known.id, path) : [])
    return { ids: store.upsert(described.map(({ row }) => row)), gone }
  })

  /** One slice, without a pause between describing, writing and showing. */
  function settleSlice (found: readonly { task: Task, file: FoundFile }[]): IndexedModel[] {
    const described = ledger.together(() => found.map(({ task, file }) => describe(task, file)))
    for (const { path, from } of described) for (const touched of from === null ? [path] : [from, path]) feed.touch(touched)
    const { ids, gone } = write.immediate(described)
    const shown = store.loadPacked(type.name, ids)
    index.apply({ upsert: shown, remove: gone })
    if (described.some(({ row }) => row.due || (type.hashEagerly && row.model.sha256 === ''))) deps.onUnfinished()
    return shown.map((row) => unpackModel(row, type.name))
  }

  /** What was to be there and is not: the row goes, unless its disk is away. */
  async function miss (tasks: readonly Task[]): Promise<void> {
    await drop(tasks.flatMap(({ path, from, known, root }) => known && deps.board.isOnline(root.id) ? [from ?? path, path] : []))
  }

  return async ({ moved = [], removed = [], changed = [] }) => {
    if (deps.isEnding()) return []
    await drop(removed)
    const tasks = [...moved.map(({ from, to }) => taskOf(to, from)), ...changed.map((path) => taskOf(path, null))].filter((task) => task !== undefined)
    const listings = new Map<string, DirectoryNames>()
    const settled: IndexedModel[] = []
    const slices = sliced(tasks)
    for (let some = slices.next(); some.length > 0; some = slices.next()) {
      const looked = await lookAll(some, listings)
      await miss(looked.flatMap(({ task, file }) => file ? [] : [task]))
      if (deps.isEnding()) break
      settled.push(...slices.timed(() => settleSlice(looked.flatMap(({ task, file }) => file ? [{ task, file }] : []))))
      deps.onWritten()
      if (slices.left() > 0) await nextTurn()
    }
    return settled
  }
}

/** Deals out a list in portions that fit the time of a slice, as the portions before took it. */
function sliced<T> (all: readonly T[]) {
  let at = 0
  let size = SLICE
  return {
    /** The next portion; empty when there is none. */
    next (): readonly T[] {
      const from = at
      at += size
      return all.slice(from, at)
    },
    timed<R> (work: () => R): R {
      const begun = performance.now()
      const result = work()
      size = Math.max(1, Math.min(2 * size, MOST, Math.floor(size * SLICE_MS / Math.max(performance.now() - begun, 0.1))))
      return result
    },
    left: () => Math.max(0, all.length - at)
  }
}

function identityOf (path: string, known: KnownModel): HashedFile {
  return { path, size: known.file_size, mtimeMs: known.file_mtime, dev: known.file_dev, ino: known.file_inode }
}

async function lookAll (tasks: readonly Task[], listings: Map<string, DirectoryNames>): Promise<{ task: Task, file: FoundFile | undefined }[]> {
  const looked: { task: Task, file: FoundFile | undefined }[] = []
  for (let at = 0; at < tasks.length; at += LOOKS) {
    looked.push(...await Promise.all(tasks.slice(at, at + LOOKS).map(async (task) => ({ task, file: await inspectFile(task.path, task.root, listings) }))))
  }
  return looked
}

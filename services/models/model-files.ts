import { ConflictError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { PathQueue } from '../files/path-queue.ts'
import { longestMatchingRoot } from '../files/safe-path.ts'
import type { createDescriber } from './describe-files.ts'
import type { IndexedModel } from './entry.ts'
import { inspectFile } from './inspect-file.ts'
import type { IndexFeed } from './index-feed.ts'
import type { Heir, MovedModels } from './moved-models.ts'
import { unpackModel } from './packed-model.ts'
import type { ModelIndex } from './ports.ts'
import type { RootBoard } from './root-board.ts'
import type { FoundFile, ScanRoot } from './scan-types.ts'
import { sidecarPath, writeSidecar } from './sidecar-file.ts'
import type { KnownModel, ModelStore } from './store.ts'

export interface ModelFilesDeps {
  store: ModelStore
  index: ModelIndex
  feed: IndexFeed
  board: RootBoard
  moved: MovedModels
  describe: ReturnType<typeof createDescriber>
  paths: PathQueue
  logger: Logger
  /** Whether sidecars may be made for models that have none. */
  mayWrite (): boolean
  /** Writes one sidecar as a whole. */
  write?: typeof writeSidecar
}

/** What this thread does to single models: read them again, write their sidecars, give them what a vanished twin knew. */
export interface ModelFiles {
  /** Reads one model again and brings row and index in step. The caller holds the path's turn in the queue. */
  refresh (filePath: string): Promise<IndexedModel | undefined>
  /** Brings a row that this thread wrote into the index. */
  show (filePath: string): IndexedModel | undefined
  /** Writes the sidecars that want to be written; stops at the signal. Answers how many. */
  writeDue (signal: AbortSignal): Promise<number>
  /** Lets files that came up elsewhere inherit. Answers how many did. */
  settleHeirs (signal: AbortSignal): Promise<number>
}

const DENIED = new Set(['EROFS', 'EACCES', 'EPERM'])

export function createModelFiles ({ store, index, feed, board, moved, describe, paths, logger, mayWrite, write = writeSidecar }: ModelFilesDeps): ModelFiles {
  const type = index.type
  /** Directories that refused a file in this pass: one try each is enough. */
  let denied = new Set<string>()

  function rootOf (filePath: string): ScanRoot | undefined {
    const root = longestMatchingRoot(board.roots(), filePath)
    return root && { ...root, hung: false, accepted: false, local: true }
  }

  function show (filePath: string): IndexedModel | undefined {
    feed.touch(filePath)
    const known = store.find(type.name, filePath)
    const [shown] = known ? store.loadPacked(type.name, [known.id]) : []
    if (!shown) return undefined
    index.apply({ upsert: [shown] })
    return unpackModel(shown, type.name)
  }

  /** Writes the row of what lies on the disk now. `keep` is for rows that are as they should be, whatever the description says. */
  function record (file: FoundFile, known: KnownModel | undefined, keep: { bare?: boolean, due?: boolean } = {}): IndexedModel | undefined {
    const inherited = file.sidecar ? null : store.sidecar(type.name, file.path) ?? null
    store.upsert([{ ...describe(file, known, inherited), ...keep }])
    return show(file.path)
  }

  async function refresh (filePath: string): Promise<IndexedModel | undefined> {
    const root = rootOf(filePath)
    if (!root) return undefined
    const file = await inspectFile(filePath, root)
    const known = store.find(type.name, filePath)
    if (file) return record(file, known)
    if (known && board.isOnline(root.id)) {
      feed.touch(filePath)
      index.apply({ remove: store.remove([known], { remember: true }) })
    }
    return undefined
  }

  /** Writes one sidecar; false when it may not be written. */
  async function writeOne (filePath: string, root: ScanRoot): Promise<boolean> {
    const known = store.find(type.name, filePath)
    const file = known && await inspectFile(filePath, root)
    if (!file || !known.due) return true
    const inherited = file.sidecar ? null : store.sidecar(type.name, filePath) ?? null
    if (!mayWrite() && inherited === null) return true
    const { document, row } = describe.withDocument(file, known, inherited)
    const writable = document !== null && (row.due || file.sidecar !== null)
    if (writable && !await tryWrite(filePath, document, false, root)) return false
    const written = await inspectFile(filePath, root)
    if (written) record(written, known, { bare: known.bare && inherited === null, due: false })
    return true
  }

  async function tryWrite (filePath: string, document: Record<string, unknown>, durable: boolean, root: ScanRoot): Promise<boolean> {
    const directory = filePath.slice(0, filePath.lastIndexOf('/'))
    if (denied.has(directory) || board.isReadOnly(root.id)) return false
    try {
      await write(sidecarPath(filePath), document, { durable })
      return true
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!DENIED.has(code)) throw error
      denied.add(directory)
      if (code === 'EROFS' || directory === root.path) board.setReadOnly(root.id, true)
      logger.warn({ directory, code }, 'no file may be written here; what is known of the models stays in the cache')
      return false
    }
  }

  async function inherit (heir: Heir, root: ScanRoot): Promise<boolean> {
    const known = store.find(type.name, heir.file_path)
    const file = known && await inspectFile(heir.file_path, root)
    if (!file || !known.bare) return false
    const { document, row } = describe.withDocument({ ...file, sidecar: null }, known, heir.bytes)
    if (document === null) throw new ConflictError('The sidecar of the vanished model cannot be read', 'sidecar-broken')
    const wrote = await tryWrite(heir.file_path, document, true, root)
    const written = wrote ? await inspectFile(heir.file_path, root) : undefined
    if (written) return record(written, undefined, { bare: false, due: false }) !== undefined
    store.upsert([{ ...row, facts: { ...row.facts, sidecar_size: known.sidecar_size, sidecar_mtime: known.sidecar_mtime }, due: true }])
    return show(heir.file_path) !== undefined
  }

  async function each<Row extends { file_path: string, root_id: string }> (rows: readonly Row[], signal: AbortSignal, work: (row: Row, root: ScanRoot) => Promise<boolean>): Promise<number> {
    let count = 0
    for (const row of rows) {
      if (signal.aborted) break
      const root = rootOf(row.file_path)
      if (!root || !board.isOnline(root.id)) continue
      try {
        if (await paths.run(row.file_path, async () => signal.aborted ? false : await work(row, root))) count++
      } catch (error) {
        logger.warn({ err: error, model: row.file_path }, 'the sidecar of a model could not be written')
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') break
      }
    }
    return count
  }

  return {
    refresh,
    show,
    async writeDue (signal) {
      denied = new Set()
      return await each(store.due(type.name, { hashedOnly: type.hashEagerly }), signal, async (row, root) => board.isReadOnly(root.id) ? false : await writeOne(row.file_path, root))
    },
    settleHeirs: async (signal) => await each(moved.heirs(type.name), signal, async (heir, root) => {
      const done = await inherit(heir, root)
      moved.settled(heir.vanishedId)
      return done
    })
  }
}

import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { HashPool } from '../hashing/pool.ts'
import type { JobContext } from '../jobs/types.ts'
import type { Clock } from '../progress/clock.ts'
import { isSameContent } from './file-changes.ts'
import type { HashLedger } from './hash-ledger.ts'
import type { RootBoard } from './root-board.ts'
import type { HashResult, KnownModel, ModelStore } from './store.ts'
import type { ModelType } from './types.ts'

export interface HashRunDeps {
  type: ModelType
  store: ModelStore
  ledger: HashLedger
  board: RootBoard
  pool: Pick<HashPool, 'hash'>
  lanes: number
  clock: Clock
  /** Paths asked for by name: also of types that are hashed on demand, also after a failure. */
  wanted: Set<string>
  /** The row of a path was written: brings it into the index. */
  onHashed (filePath: string): void
  /** A file is not the one its row describes any more. */
  onChanged (directory: string): void
}

export interface HashOutcome { completed: number, failed: number, total: number }

/** A file written to less than this long ago may be growing still. */
const QUIET_MS = 5000
const RETRY_MS = 1000
/** A file that does not come to rest is left to the scan that its next change starts. */
const TRIES = 60

interface Task { row: KnownModel, tries: number }
type Verdict = 'done' | 'failed' | 'later' | 'skip'

/** Hashes what has no hash yet, several files at once. Each result is committed before the next file of its lane begins. */
export async function runHashing (deps: HashRunDeps, context: Pick<JobContext, 'signal' | 'report' | 'checkpoint' | 'recordFailure'>): Promise<HashOutcome> {
  const outcome: HashOutcome = { completed: 0, failed: 0, total: 0 }
  const seen = new Set<string>()
  let queue = collect(deps, seen)
  let bytesTotal = 0
  let bytesDone = 0
  const count = (tasks: readonly Task[]): void => {
    for (const { row } of tasks.filter(({ tries }) => tries === 0)) {
      outcome.total++
      bytesTotal += row.file_size
    }
  }
  /** Somebody waits for what was asked for by name meanwhile. */
  const next = (): Task | undefined => {
    if (deps.wanted.size > 0) {
      const paths = new Set(deps.wanted)
      const fresh = collectWanted(deps, seen)
      count(fresh)
      queue = [...queue.filter(({ row }) => paths.has(row.file_path)), ...fresh, ...queue.filter(({ row }) => !paths.has(row.file_path))]
    }
    return queue.shift()
  }
  while (queue.length > 0) {
    count(queue)
    const later: Task[] = []
    const lane = async (): Promise<void> => {
      for (let task = next(); task; task = next()) {
        await context.checkpoint()
        let counted = 0
        const verdict = await hashOne(deps, task, context, (bytes) => {
          counted = bytes
          context.report({ done: bytesDone + counted, total: bytesTotal, unit: 'bytes' })
        })
        if (verdict === 'later' && task.tries < TRIES) later.push({ row: task.row, tries: task.tries + 1 })
        else bytesDone += task.row.file_size
        if (verdict === 'done') outcome.completed++
        if (verdict === 'failed') outcome.failed++
        context.report({ done: bytesDone, total: bytesTotal, unit: 'bytes' })
      }
    }
    await Promise.all(Array.from({ length: deps.lanes }, lane))
    if (later.length > 0) await delay(RETRY_MS, undefined, { signal: context.signal })
    queue = later.concat(collect(deps, seen))
  }
  return outcome
}

/** Rows that want a hash and were not taken up in this run, those asked for by name first. */
function collect (deps: HashRunDeps, seen: Set<string>): Task[] {
  const { type, store } = deps
  return [...collectWanted(deps, seen), ...tasksOf(deps, type.hashEagerly ? store.unhashed(type.name).map((row) => row.file_path) : [], seen)]
}

function collectWanted (deps: HashRunDeps, seen: Set<string>): Task[] {
  const paths = [...deps.wanted]
  deps.wanted.clear()
  return tasksOf(deps, paths, seen)
}

function tasksOf ({ type, store, board }: HashRunDeps, paths: readonly string[], seen: Set<string>): Task[] {
  return paths.flatMap((path) => {
    if (seen.has(path)) return []
    seen.add(path)
    const row = store.find(type.name, path)
    return row && row.sha256 === '' && board.isOnline(row.root_id) ? [{ row, tries: 0 }] : []
  })
}

async function hashOne (deps: HashRunDeps, { row, tries }: Task, context: Pick<JobContext, 'signal' | 'recordFailure'>, onBytes: (bytes: number) => void): Promise<Verdict> {
  const { ledger, board, pool, clock, type } = deps
  const path = row.file_path
  try {
    const stats = await stat(path)
    const age = clock.now() - stats.mtimeMs
    // A time in the future says nothing; such a file is taken as it is.
    if (age >= 0 && age < QUIET_MS) return 'later'
    if (!isSameContent(row, stats)) return changed(deps, path)
    const identity = { path, size: stats.size, mtimeMs: stats.mtimeMs, dev: stats.dev, ino: stats.ino }
    const computed = ledger.find(identity)
    if (computed) {
      // Computed once already: by a process that was killed before it wrote the row, or under another name.
      note(deps, path, { sha256: computed.sha256, autov3: row.autov3 || (computed.autov3 ?? row.autov3), hash_status: 'completed' }, identity)
      return 'done'
    }
    const alsoTensorHash = type.hashEagerly && !row.autov3 && path.toLowerCase().endsWith('.safetensors')
    const result = await pool.hash(path, { signal: context.signal, alsoTensorHash, onBytes })
    if (!isSameContent(row, result)) return changed(deps, path)
    const autov3 = row.autov3 || result.tensorHash
    ledger.put(identity, { sha256: result.sha256, autov3: result.tensorHash })
    board.addHashed(row.root_id, result.bytes)
    note(deps, path, { sha256: result.sha256, autov3: autov3 ?? row.autov3, hash_status: 'completed' }, result)
    return 'done'
  } catch (error) {
    context.signal.throwIfAborted()
    const code = (error as { code?: unknown }).code
    if (code === 'changed-while-read') return tries < TRIES ? 'later' : 'skip'
    if (code === 'ENOENT' || code === 'not-found') return changed(deps, path)
    if (code === 'closed') throw error
    context.recordFailure(path, error)
    if (board.isOnline(row.root_id)) note(deps, path, { sha256: '', autov3: row.autov3, hash_status: 'failed' }, { size: row.file_size, mtimeMs: row.file_mtime })
    return 'failed'
  }
}

/** By path: the row may have been moved or written anew while the file was read. */
function note ({ store, type, onHashed }: HashRunDeps, path: string, result: HashResult, file: { size: number, mtimeMs: number }): void {
  const current = store.find(type.name, path)
  if (current && store.setHash(current.id, result, file)) onHashed(path)
}

function changed (deps: HashRunDeps, path: string): Verdict {
  deps.onChanged(path.slice(0, path.lastIndexOf('/')))
  return 'skip'
}

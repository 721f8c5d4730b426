import type { ErrorKind } from '../errors.ts'

export type OperationKind =
  | 'delete' | 'bulk-delete' | 'move' | 'bulk-move' | 'rename' | 'organize' | 'replace-preview' | 'edit' | 'restore' | 'undo'
  | (string & {})

/**
 * One change of a file. Paths are absolute. Missing parent directories of a target are made by themselves.
 * Within one operation a path that a step filled can't be the source of a later step, save a `write` after a `move`
 * to the same path in one unit: the usual sidecar that moves and then says where it lies.
 */
export type Step =
  /** A file, or a link as the link itself. Never replaces anything. `sha256` is what the index knows, if it does. */
  | { kind: 'move', from: string, to: string, sha256?: string | undefined }
  /** To the trash of its root. */
  | { kind: 'trash', path: string, sha256?: string | undefined }
  /**
   * New content, by temporary file, fsync and rename. The old bytes are kept in state.sqlite up to 1 MB, else in the trash.
   * `expected` refuses the unit when the file is not what the caller read; with the bytes it need not be read again.
   */
  | { kind: 'write', path: string, data: Uint8Array | string, expected?: ExpectedFile | 'absent' | undefined }
  /** A new file from a temporary one in the same directory, which the journal takes over: it is removed when the unit fails. */
  | { kind: 'create', path: string, from: string }
  | { kind: 'mkdir', path: string }
  /** Only if empty; else the directory stays and the step has succeeded. A root is refused. */
  | { kind: 'rmdir', path: string }

export interface ExpectedFile {
  size: number
  mtimeMs: number
  /** What the caller read. Should it be something else by now, the unit fails at its turn: contents are told by their hash there. */
  data?: Buffer | undefined
}

/** A set of files that is either all as before or all as asked for: mostly one model with its companions. */
export interface Unit {
  /** The caller's key, given back in the result; a model's path for example. */
  key: string
  /** For people. */
  label: string
  steps: Step[]
}

export interface Operation {
  /** 32 lower-case hex digits (`newOperationId()`), also the `batch_id` of the routes; made when absent. */
  id?: string
  kind: OperationKind
  /** The route, or the job, that asked for it. */
  route: string
  /** For people: what was done, in a few words. */
  summary: string
  units: Unit[]
}

export interface RunOptions {
  /** Asked between units: the rest is not run (`not-run`), what was done stays. */
  signal?: AbortSignal | undefined
  /** After each unit. */
  onUnit?: ((unit: UnitResult, done: number, total: number) => void) | undefined
}

export interface UnitError {
  kind: ErrorKind
  /** Such as `destination-exists`, `source-missing`, `source-changed`, `not-writable`, `storage-full`, `not-run`, `interrupted`. */
  code: string
  message: string
}

/** `from` null: a new file. `to` null: gone to the trash. Both the same: new content. */
export interface FileChange { from: string | null, to: string | null }

export interface UnitResult {
  key: string
  ok: boolean
  error?: UnitError
  /** What changed; empty when the unit failed and was rolled back. */
  files: FileChange[]
}

export interface OperationResult {
  id: string
  state: OperationState
  units: UnitResult[]
}

/**
 * `partial`: some units done, the others as before. `failed`: every unit as before. `rolled-back`: the process ended before
 * any unit was done. `interrupted`: a unit may lie between old and new (its disk is away or fails); `recover` tries again.
 */
export type OperationState = 'running' | 'done' | 'partial' | 'failed' | 'rolled-back' | 'undone' | 'interrupted'

export type UnitState = 'pending' | 'done' | 'failed' | 'rolled-back' | 'undone' | 'interrupted'

/** An operation as `/api/v1/operations` shows it. */
export interface OperationView {
  id: string
  kind: OperationKind
  route: string
  summary: string
  state: OperationState
  /** ISO 8601 UTC */
  created_at: string
  finished_at: string | null
  units: number
  files: number
  /** The first changes, at most 5 units' worth; `operation(id)` has all. */
  changes: FileChange[]
  undoable: boolean
  /** Why it can't be undone. */
  undo_reason: string | null
  undo_of: string | null
  undone_by: string | null
}

export interface OperationDetail extends OperationView {
  unit_list: { key: string, label: string, state: UnitState, error: UnitError | null, files: FileChange[] }[]
}

export interface RecoveredUnit {
  key: string
  /** `waiting`: nothing could be told or done (disk away, I/O error); the next `recover` tries again. */
  outcome: 'not-begun' | 'finished' | 'rolled-back' | 'waiting'
  reason?: string
}

export interface RecoveryReport {
  operations: { id: string, kind: OperationKind, state: OperationState, units: RecoveredUnit[] }[]
}

/** What one operation put into the trash and is still there. */
export interface TrashBatch {
  /** The operation's id. */
  id: string
  kind: OperationKind
  summary: string
  /** ISO 8601 UTC */
  trashed_at: string
  age_seconds: number
  size: number
  items: TrashItem[]
}

export interface TrashItem {
  /** `<operation>-<n>` */
  id: string
  original_path: string
  size: number
}

export interface EmptyTrashOptions {
  /** Only batches at least this old. */
  olderThanDays?: number | undefined
  /** Only the oldest batches, until no more than this remains. */
  keepBytes?: number | undefined
  /** Only this batch. */
  id?: string | undefined
}

export interface EmptiedTrash {
  removed: number
  bytes: number
  /** Items left where they are: changed by someone, or not removable. */
  kept: { id: string, reason: string }[]
}

export interface Page<Item> { items: Item[], next: string | null }

export interface JournalTrash {
  /** Newest first. */
  list (options: { limit: number, after?: string | undefined }): Page<TrashBatch>
  /** By the id of a batch or of one item, back to where it was: an operation of its own. @throws NotFoundError */
  restore (id: string, route?: string): Promise<OperationResult>
  /** Removes for good, only what the journal put there. */
  empty (options?: EmptyTrashOptions): Promise<EmptiedTrash>
}

/** Every change of a user's file goes through it. */
export interface Journal {
  /**
   * Records the intent durably, then runs the units one by one; a failing unit is rolled back alone.
   * @throws InvalidInputError for an operation that makes no sense; failures of units are in the result
   */
  run (operation: Operation, options?: RunOptions): Promise<OperationResult>
  /**
   * Puts everything back as it was, as an operation of its own.
   * @throws NotFoundError; UndoRefusedError (409) with `fields.reasons` when the world has changed, and then nothing was touched
   */
  undo (id: string, route?: string): Promise<OperationResult>
  /** Ends what an earlier process left in the middle. At start, before anything else touches model files. */
  recover (): Promise<RecoveryReport>
  /** Newest first. */
  operations (options: { limit: number, after?: string | undefined }): Page<OperationView>
  /** @throws NotFoundError */
  operation (id: string): OperationDetail
  /**
   * Whether an operation ended longer ago than this, by a clock that doesn't jump; true for one that was pruned or whose trash is emptied.
   * @throws NotFoundError for an id that never was
   */
  expired (id: string, ttlSeconds: number): boolean
  /** Forgets finished operations whose trash is gone; answers how many. Their ids stay known to `expired` for a year. */
  prune (options: { olderThanDays: number }): number
  readonly trash: JournalTrash
}

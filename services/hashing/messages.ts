import type { FileHash } from './hash-file.ts'
import type { HashingFailure } from './hashing-error.ts'

/** What a pool gives a new thread. `cancel[0]` is 1 while the task in hand is to be given up. */
export interface WorkerData { cancel: Int32Array }

export interface HashRequest { path: string, alsoTensorHash: boolean, progress: boolean }

export type HashReply =
  | { kind: 'progress', bytes: number }
  | { kind: 'done', result: FileHash }
  | { kind: 'cancelled' }
  | { kind: 'failed', code: HashingFailure, detail: string }

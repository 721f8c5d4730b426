/** What a thread that writes parts is told. `file` numbers an open part. */
export type PartRequest =
  /** `ring` is the memory through which the bytes come, in turn. */
  | { kind: 'open', file: number, call: number, path: string, length: number, ring: Uint8Array }
  /** So many bytes more lie in the ring, behind those before. */
  | { kind: 'bytes', file: number, count: number }
  /** Brings what was written to the disk. */
  | { kind: 'sync', file: number, call: number }
  /** Answered when everything before it is done; `digest` also tells the hash. */
  | { kind: 'settle', file: number, call: number, digest: boolean }
  | { kind: 'cut', file: number, call: number, length: number }
  | { kind: 'close', file: number, call: number }

export interface PartFault { message: string, code: string | undefined, syscall: string | undefined }

export type PartReply =
  | { kind: 'written', file: number, written: number }
  | { kind: 'fault', file: number, fault: PartFault }
  /** `length` is what was written when the call came; `sha256` of the whole file when it was written from its beginning here, else null. */
  | { kind: 'done', file: number, call: number, length: number, sha256: string | null }
  | { kind: 'failed', file: number, call: number, fault: PartFault }

import type { Root, RootState } from '../files/types.ts'
import type { DirectoryNames } from './preview-file.ts'
import type { KnownModel } from './store.ts'
import type { StoredModel } from './stored-model.ts'
import type { ModelTypeName } from './types.ts'
import type { Stats } from 'node:fs'
import type { MessagePort } from 'node:worker_threads'

export interface ScanRoot extends Root {
  /** Not touched in this scan: a call to its disk has not returned. */
  hung: boolean
  /** "It really is so": what is missing here is gone. */
  accepted: boolean
  /** Inodes mean something here (not on network and FUSE mounts); found out by the scan itself. */
  local: boolean
}

export interface ScanRequest {
  type: ModelTypeName
  roots: ScanRoot[]
  /** Read every file again, whatever its size and time. */
  full: boolean
  /** Only these directories and what is new below them; null for everything. */
  directories: string[] | null
  /** Directories of the last whole scan, path → identity (needed for a partial one). */
  known: [path: string, key: string][]
  /** Names beginning with a dot are entered like any other directory. */
  dotDirectories: boolean
  /** Temporary files of ours with an earlier time (`mtimeMs`) were left by a process that was killed: they are removed. */
  sweepBefore: number | null
  /** Only takes in the sidecars that an earlier scan left for later. */
  keepOnly?: boolean
}

export interface RootFinding {
  id: string
  state: Exclude<RootState, 'unknown'>
  reason: string | null
}

export interface ScanReport {
  status: 'success' | 'cancelled'
  added: number
  updated: number
  removed: number
  moved: number
  roots: RootFinding[]
  /** Every directory that belongs to the roots, path → identity. */
  directories: [path: string, key: string][]
  /** Ids of roots on network or user-space mounts. */
  remote: string[]
  /** Directories and files that could not be read; the first few of them. */
  unread: { path: string, code: string }[]
  unreadCount: number
}

/** `byRoot`: the part of each root in the number beside it, in the order of the request. */
export type ScanMessage =
  /** Threads are wanted, one per port, that look at files for the scan. */
  | { kind: 'lanes', ports: MessagePort[], answered: SharedArrayBuffer }
  | { kind: 'listed', models: number, byRoot: number[] }
  | { kind: 'batch', upserted: number[], removed: number[], done: number, total: number, byRoot: number[] }

/** A model file found by a scan, and what lies beside it. */
export interface FoundFile {
  root: ScanRoot
  /** Full path in the user's spelling. */
  path: string
  directory: string
  folder: string
  name: string
  stats: Stats
  sidecar: { path: string, stats: Stats } | null
  info: { path: string, stats: Stats } | null
  /** What else lies in the directory. */
  names: DirectoryNames
}

/** Turns files into a row. `known` is the former row; `inherited` are bytes of a sidecar that stayed where the file was before. */
export type DescribeFile = (file: FoundFile, known: KnownModel | undefined, inherited: Uint8Array | null) => StoredModel

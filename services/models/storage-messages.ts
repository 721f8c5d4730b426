import type { StorageKind, StorageRow } from './storage-findings.ts'

/** What the thread of the storage advice works on; the rows follow in slices, an empty one ends them. */
export interface StorageTask {
  roots: readonly { path: string }[]
  /** Folders inside the roots that hold media of their own: recipes, example images. */
  mediaFolders: readonly string[]
  stateFile: string
  usageFile: string
  dotDirectories: boolean
}

export type StorageSlice = readonly Omit<StorageRow, 'uses'>[]

export interface StorageSummary { kind: StorageKind, items: number, files: number, bytes: number }

/** Findings as texts one after the other, so that a page is cut out without reading them. */
export interface StorageReport {
  summary: StorageSummary[]
  /** False while nothing counts uses: then "never used" says nothing. */
  usageKnown: boolean
  /** Folders that could not be read, so that advice about them may be missing. */
  unread: number
  /** UTF-8 JSON of every finding. */
  json: Uint8Array
  /** Where each begins in `json`, and the end of the last. */
  offsets: Uint32Array
  /** Index of each one's kind in `storageKinds`. */
  kinds: Uint8Array
  /** 16 ASCII digits each. */
  ids: Uint8Array
}

export type StorageMessage = { report: StorageReport } | { failed: string }

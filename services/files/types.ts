import type { FolderKey, ModelTypeName } from '../models/types.ts'

export type RootState = 'unknown' | 'online' | 'offline' | 'suspect'

/** A configured folder that holds models of one type. */
export interface Root {
  /** Opaque, made from type and path; the same root has the same id in every run. */
  id: string
  type: ModelTypeName
  folderKey: FolderKey
  /** The user's spelling, absolute, `/` as separator, no trailing slash. */
  path: string
  /** From `extra_folder_paths`. */
  extra: boolean
  /** Sub-type given to models below it, or null. */
  subType: string | null
}

export interface RootStatus extends Omit<Root, 'folderKey' | 'subType'> {
  folder_key: Root['folderKey']
  sub_type: Root['subType']
  state: RootState
  /** For people: why it is not online. */
  reason: string | null
  models: number
  /** ISO 8601 UTC of the end of the last reconcile, its duration and what it read. */
  last_reconcile: string | null
  last_duration_ms: number | null
  bytes_hashed: number
  read_only: boolean
}

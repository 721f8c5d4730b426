import type { IndexedModel } from './entry.ts'
import { packModel } from './packed-model.ts'

/** What a model's files looked like when its row was made. Times are `mtimeMs`, compared by equality only. */
export interface FileFacts {
  file_size: number
  file_mtime: number
  file_inode: number
  file_dev: number
  /** null: there is no sidecar. */
  sidecar_size: number | null
  sidecar_mtime: number | null
  /** null: there is no `.civitai.info`. */
  info_mtime: number | null
  preview_size: number | null
  preview_mtime: number | null
}

/** A row as it is written. */
export interface StoredModel {
  model: Omit<IndexedModel, 'id'>
  facts: FileFacts
  /** Bytes of the sidecar as read, or null. */
  sidecar: Uint8Array | null
  /** The sidecar's bytes follow later; until then the file itself answers for them. */
  sidecarLater?: boolean
  /** Made from the file alone: nothing of the user's is in it, so what a vanished twin knew may be carried over. */
  bare: boolean
  /** The sidecar wants to be written: it is missing, or what it says was completed or corrected. */
  due: boolean
}

/** A row as values of the columns `written` of the schema, and the bytes of its sidecar unless there are none or they follow later. */
export interface RowCells { cells: Cell[], sidecar: Uint8Array | null }

type Cell = string | number | null | Uint8Array
export type RawRow = Cell[]

/** Values of the columns `written` of the schema. */
export function toCells (row: StoredModel): Cell[] {
  const { model, facts, bare, due } = row
  return [
    model.type, model.root_id, model.file_path, model.preview_url, model.sha256, model.autov3, model.hash_status, model.modified,
    facts.file_size, facts.file_mtime, facts.file_inode, facts.file_dev, facts.sidecar_size, facts.sidecar_mtime, facts.info_mtime, facts.preview_size, facts.preview_mtime,
    Number(bare), Number(due), Number(row.sidecarLater !== true), packModel(model)
  ]
}

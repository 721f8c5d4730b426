import type { ModelTypeName } from './types.ts'

export type HashStatus = 'pending' | 'calculating' | 'completed' | 'failed'

/** The part of a CivitAI version that lists and look-ups need; keys are present only when they have a value. */
export interface SlimCivitai {
  id?: number
  modelId?: number
  name?: string
  creator?: { username: string }
  trainedWords?: string[]
  model?: { type: string }
}

/** What the library knows of one model: the contract's cache entry (names as clients know them). */
export interface ModelEntry {
  /** Absolute path in the user's spelling (links not resolved), always with `/`. */
  file_path: string
  /** Base name without extension. */
  file_name: string
  model_name: string
  /** Folder relative to its root, `/`-separated, "" at the root. */
  folder: string
  /** Bytes, as the sidecar says (import time). */
  size: number
  /** Import time in seconds, as the sidecar says; not the file's mtime. */
  modified: number
  /** Lower-case hex, "" when not known yet. */
  sha256: string
  /** null = never looked for, "" = looked for and absent, else 12 lower-case hex digits. */
  autov3: string | null
  base_model: string
  /** Absolute path of the preview file (not a URL), or "". */
  preview_url: string
  preview_nsfw_level: number
  from_civitai: boolean
  favorite: boolean
  notes: string
  /** JSON text; "{}" by default for LoRAs, "" for others. */
  usage_tips: string
  metadata_source: string | null
  exclude: boolean
  db_checked: boolean
  last_checked_at: number
  tags: string[]
  civitai: SlimCivitai | null
  civitai_deleted: boolean
  skip_metadata_refresh: boolean
  hf_url: string
  /** Bit set of licence permissions, see license-flags.ts. */
  license_flags: number
  sub_type?: string
  hash_status: HashStatus
}

/** Further hashes that CivitAI names for the same file; each upper- or lower-case hex as stored, compared without case. */
export interface OtherHashes {
  AutoV1?: string
  CRC32?: string
  BLAKE3?: string
}

/** An entry as the index holds it: with the facts that are ours and that clients do not see as such. */
export interface IndexedModel extends ModelEntry {
  /** Row id in the cache of the library; stable while the row lives, survives moves. */
  id: number
  type: ModelTypeName
  /** Id of the root that holds the file, see services/files/roots.ts. */
  root_id: string
  /** Identity of the preview's bytes (changes with them), "" without a preview. */
  preview_version: string
  /** Why the sidecar could not be used, or "". The model is listed all the same. */
  metadata_error: string
  other_hashes: OtherHashes | null
}

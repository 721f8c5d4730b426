import type { Outcome } from '../civitai/types.ts'
import type { CivitaiVersionDocument } from '../civitai/schema.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { BoundBy } from './ports.ts'

/** The part of a model index that recipes look into. */
export interface ModelLookups {
  /** Models with this hash: SHA-256, AutoV2 (10), AutoV3 (12), either case. */
  byHash (hash: string): IndexedModel[]
  byVersionId (versionId: number): IndexedModel[]
  /** Versions of this CivitAI model. */
  versionsOf (modelId: number): { versionId: number, name: string, fileName: string }[]
  /** All models whose stem or folder/stem matches, best first. */
  lookupAll (name: string): IndexedModel[]
}

/** Who knows versions that are not in the library. Remote states are outcomes, never exceptions. */
export interface VersionLookups {
  version (versionId: number): Promise<Outcome<CivitaiVersionDocument>>
  versionByHash (hash: string): Promise<Outcome<CivitaiVersionDocument>>
}

/** A LoRA of an analysis (recipes §9.3), names as clients know them. */
export interface AnalysisLora {
  name: string
  type: string
  weight: number
  hash: string
  file_name: string
  existsLocally: boolean
  inLibrary: boolean
  localPath: string | null
  thumbnailUrl: string
  baseModel: string
  /** Bytes; 0 unknown. */
  size: number
  downloadUrl: string
  /** Only after a definite "not found". */
  isDeleted: boolean
  /** Version id on CivitAI; absent when unknown. */
  id?: number
  modelId?: number
  version?: string
  isEarlyAccess?: boolean
  earlyAccessEndsAt?: string
  clipWeight?: number
  /** What it was found by; absent when it is not in the library. */
  matched_by?: BoundBy
  /** Paths of local models that it may be, when more than one bears its name. */
  ambiguous?: string[]
  /** Nobody could be asked for it: offline, rate limit, server error. */
  unresolved?: boolean
}

export interface AnalysisCheckpoint {
  id: number
  modelId: number
  name: string
  version: string
  type: string
  hash: string
  existsLocally: boolean
  inLibrary: boolean
  localPath: string | null
  file_name: string
  thumbnailUrl: string
  baseModel: string
  size: number
  downloadUrl: string
  isDeleted: boolean
  matched_by?: BoundBy
  unresolved?: boolean
}

/** What a parser's answer is for clients, once it was looked up: recipes §9.3 without the keys that analysis adds. */
export interface ResolvedImage {
  base_model: string | null
  loras: AnalysisLora[]
  gen_params: Record<string, string | number>
  checkpoint?: AnalysisCheckpoint | null
  model?: AnalysisCheckpoint | null
  tags?: string[]
  title?: string
  /** `from_recipe_metadata` and its like, one of them true. */
  [flag: `from_${string}`]: true
  /** The generator, such as `forge`. */
  tool: string
  embeddings?: { name: string, hash: string, id?: number }[]
  raw_metadata?: Record<string, string>
  warnings?: string[]
}

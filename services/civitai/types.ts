import type { CallOptions } from '../network/types.ts'
import type { CivitaiHashMatchDocument, CivitaiImageDocument, CivitaiModelDocument, CivitaiVersionDocument } from './schema.ts'

/**
 * What came of asking a provider. A remote state is never an exception; a cancelled signal and a programming fault are.
 * `not-found` means the provider itself said 404 (or, for a local archive, looked and has none): nothing else ever counts as "deleted".
 */
export type Outcome<T> =
  | { kind: 'found', value: T }
  | { kind: 'not-found' }
  /** Seconds, when the host named them. */
  | { kind: 'rate-limited', retryAfter: number | null }
  /** 401 or 403: no key, a wrong key, or something that needs more than the key gives. */
  | { kind: 'unauthorized' }
  /** Offline, switched off, time-out, 5xx. `offline`: the program or the machine is cut off, asking others is no use either. `message` is for people. */
  | { kind: 'unavailable', offline: boolean, message: string }
  /** An answer that is none: HTML, broken JSON, another shape. */
  | { kind: 'invalid', message: string }

/** Everything but `found`. */
export type Failure = Exclude<Outcome<never>, { kind: 'found' }>

/** A version with its model's description, tags, licence fields and creator. `complete` is false when the model could not be had: ask again later. */
export interface EnrichedVersion { version: CivitaiVersionDocument, complete: boolean }

/** Which version; at least one id. With a version id the model id is only checked against it. */
export interface VersionChoice { modelId?: number | undefined, versionId?: number | undefined }

export interface CivitaiPage<T> { items: T[], nextCursor: string | null }

export interface CivitaiEnums { activeBaseModels: string[], baseModels: string[], modelTypes: string[] }

export interface ImageQuery { modelId?: number, modelVersionId?: number, postId?: number, username?: string, limit?: number, cursor?: string }

/** The JSON API of CivitAI. Every answer is checked, tidied and bounded; ids are positive integers, hashes hex in either case. */
export interface CivitaiClient {
  /** Whether a key is set. */
  authorized (): boolean
  model (modelId: number, options?: CallOptions): Promise<Outcome<CivitaiModelDocument>>
  /** At most 100 ids a request; more are split. Ids that CivitAI does not answer are missing from the map, which says nothing about them. */
  models (modelIds: readonly number[], options?: CallOptions): Promise<Outcome<Map<number, CivitaiModelDocument>>>
  /** As the API answers it, not enriched. */
  version (versionId: number, options?: CallOptions): Promise<Outcome<CivitaiVersionDocument>>
  /** SHA-256, AutoV2 or AutoV3; not enriched. */
  versionByHash (hash: string, options?: CallOptions): Promise<Outcome<CivitaiVersionDocument>>
  /** At most 100 SHA-256 in one request. The source of `usageControl` and `earlyAccessEndsAt`. Hashes that match nothing are missing. */
  versionsByHash (hashes: readonly string[], options?: CallOptions): Promise<Outcome<CivitaiVersionDocument[]>>
  /** At most 10,000 SHA-256 in one request; `hash` comes back in upper case. A hash that is missing is not known to CivitAI. */
  idsByHash (hashes: readonly string[], options?: CallOptions): Promise<Outcome<CivitaiHashMatchDocument[]>>
  /** `versionByHash`, then its model. */
  enrichedByHash (hash: string, options?: CallOptions): Promise<Outcome<EnrichedVersion>>
  /**
   * A version with its model: by version id, or the first of the model. An id that is not the model's is `not-found`,
   * never silently another version.
   */
  enriched (choice: VersionChoice, options?: CallOptions): Promise<Outcome<EnrichedVersion>>
  /** The image with this id; another one in the answer is `not-found`. */
  image (imageId: number, options?: CallOptions): Promise<Outcome<CivitaiImageDocument>>
  images (query: ImageQuery, options?: CallOptions): Promise<Outcome<CivitaiPage<CivitaiImageDocument>>>
  tags (query: string, options?: CallOptions): Promise<Outcome<string[]>>
  /** Models of a user, 100 a page, newest first, all ratings. */
  userModels (username: string, cursor?: string, options?: CallOptions): Promise<Outcome<CivitaiPage<CivitaiModelDocument>>>
  /** Number of models of a user; null when CivitAI does not say. Kept for 10 minutes, failures too. */
  creatorModelCount (username: string, options?: CallOptions): Promise<number | null>
  enums (options?: CallOptions): Promise<Outcome<CivitaiEnums>>
  /** Whether the key works: `found` true, `unauthorized`, or why it can't be told. */
  probeKey (options?: CallOptions): Promise<Outcome<true>>
}

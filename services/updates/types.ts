import type { PaidAccess } from '../civitai/access.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelTypeName } from '../models/types.ts'

/** A version of a model as the table of updates keeps it. Members are null while nobody has told. */
export interface KnownVersion {
  versionId: number
  /** Place in the list of the provider, 0 first. */
  sortIndex: number
  name: string | null
  baseModel: string | null
  /** ISO 8601. */
  releasedAt: string | null
  sizeBytes: number | null
  previewUrl: string | null
  isInLibrary: boolean
  /** The user wants to hear no more of it. */
  shouldIgnore: boolean
  earlyAccessEndsAt: string | null
  /** Marked as early access, whatever the time. */
  earlyAccess: boolean
  /** `Download` or null: may be downloaded. */
  usageControl: string | null
  paidAccess: PaidAccess | null
  /** Bought once and for all. */
  isPaid: boolean
}

/** What is known of the versions of a CivitAI model. */
export interface UpdateRecord {
  modelId: number
  modelType: ModelTypeName
  /** Unix seconds, null when CivitAI was never asked. */
  lastCheckedAt: number | null
  shouldIgnore: boolean
  /** In the order of the provider. */
  versions: KnownVersion[]
}

/** All local files of a CivitAI model, of every type, excluded ones too. */
export type OwnedModels = (modelId: number) => IndexedModel[]

/** Which models a check asks for. */
export interface CheckScope {
  type: ModelTypeName
  /** Only these CivitAI models; null for all. */
  modelIds: readonly number[] | null
  /** Only models in this folder and below, relative to their root; null for all. */
  folder: string | null
  /** Also those that were asked for within the last 24 hours, and ignored ones. */
  force: boolean
}

/** `records`: those of the scope that have an update, in the order of the library. */
export type CheckAnswer = { status: 'completed', records: UpdateRecord[] } | { status: 'cancelled' }

export interface LicenceAnswer {
  updated: { modelId: number, filePath: string }[]
  /** Models that CivitAI did not answer. */
  missing: number[]
  errors: { filePath: string, error: string }[]
}

export type RecordQuestion = { type: ModelTypeName, modelId: number, refresh: boolean, force: boolean }

/** Whether newer versions of models are on offer, and what the user wants to hear of them: `core.updates`. */
export interface Updates {
  /** Runs as a job and waits for its end; an equal check that runs already is joined. @throws DomainError `rate-limited`, `offline` */
  check (scope: CheckScope): Promise<CheckAnswer>
  /**
   * The stored record; CivitAI is asked when there is none, or when the question says so.
   * @throws NotFoundError for a model that is neither known nor here; DomainError
   */
  record (question: RecordQuestion): Promise<UpdateRecord>
  /** The same with exact ends of early access where CivitAI names them; they are not kept. */
  withExactEnds (record: UpdateRecord): Promise<UpdateRecord>
  ignoreModel (type: ModelTypeName, modelId: number, ignore: boolean): Promise<UpdateRecord>
  ignoreVersion (type: ModelTypeName, modelId: number, versionId: number, ignore: boolean): Promise<UpdateRecord>
  /** Completes licence fields that sidecars lack; runs as a job. @throws DomainError `rate-limited`, `offline` */
  fetchLicences (type: ModelTypeName, modelIds: readonly number[] | null): Promise<LicenceAnswer | null>
  /** Whether a version that the library lacks is on offer. */
  hasUpdate (record: UpdateRecord): boolean
  /** Whether a version is in early access now. */
  isEarlyAccess (version: KnownVersion): boolean
  owned: OwnedModels
  /** Cancels checks of this type. */
  cancel (type: ModelTypeName): void
  close (): void
}

import type { Job } from '../jobs/types.ts'
import type { EditRecorder } from '../models/edit-sidecar.ts'
import type { IndexedModel } from '../models/entry.ts'
import type { ModelTypeName } from '../models/types.ts'
import type { Hints } from './hints.ts'
import type { IdentifyInput } from './identify.ts'
import type { ModelIds } from './model-ids.ts'
import type { Provenance } from './provenance.ts'
import type { Metadata } from './refresh-run.ts'
import type { Refresher } from './refresher.ts'

/** What models are by the word of others, and who gave which value: `core.metadata`. */
export interface MetadataShelf {
  ids: ModelIds
  provenance: Provenance
  /** For editors of sidecars, so that every edit is known. */
  recorder: EditRecorder
  refresher: Refresher
  hints: Pick<Hints, 'isUnconfirmed'>
  of (type: ModelTypeName): Metadata
  /** Starts the job that identifies the whole library, or joins the running one. */
  identify (input: IdentifyInput): Job
  /** SHA-256 of a model, computed now when it is not known. @throws NotFoundError, OfflineError, DomainError `hash-failed` */
  hashOf (model: IndexedModel): Promise<string>
  close (): void
}

import { DomainError, InvalidInputError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { MetadataShelf } from '../../services/metadata/types.ts'
import { wantedModel } from './wanted-model.ts'

export interface FetchDeps {
  library: ModelLibrary
  metadata: Pick<MetadataShelf, 'of' | 'hashOf' | 'refresher'>
  hub: { broadcast (channel: 'fetch', frame: Record<string, unknown>): void }
}

/** `metadata` is the model as the lists give it. */
export type FetchAnswer = { success: true, metadata: unknown } | { success: false, error: string }

const ROUTE = 'fetch-civitai'

/**
 * Asks the providers for one model and merges what they say. That nobody knows it, or asks for patience, is an answer.
 * @throws InvalidInputError, PathOutsideLibraryError, NotFoundError, DomainError `unavailable` when the machine is cut off, `hash-failed`
 */
export const fetchCivitai = ({ library, metadata, hub }: FetchDeps) => async ({ file_path: path }: { file_path?: unknown }): Promise<FetchAnswer> => {
  if (typeof path !== 'string' || path.trim() === '') throw new InvalidInputError('File path is required')
  const wanted = wantedModel([library], path)
  const model = { ...wanted, sha256: await metadata.hashOf(wanted) }
  const { sync, ensurePreview } = metadata.of(library.type.name)
  const outcome = await sync.fetch(model, ROUTE, { urgent: true })
  if (outcome.kind === 'offline') throw new DomainError('unavailable', 'offline', outcome.message)
  if (outcome.kind !== 'updated') return { success: false, error: outcome.message }
  const { id, model_name: name } = await ensurePreview(outcome.model, outcome.version, { route: ROUTE, urgent: true })
  if (name !== model.model_name) hub.broadcast('fetch', { type: 'models_changed' })
  return { success: true, metadata: JSON.parse(library.index.item(id).toString('utf8')) as unknown }
}

/** Asks for every model of the type that nobody has told of yet; answers when the run has ended. @throws DomainError `conflict` while another one runs */
export const fetchAllCivitai = ({ library, metadata }: FetchDeps) => async () => await metadata.refresher.run(library.type.name)

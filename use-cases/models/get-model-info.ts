import { NotFoundError } from '../../services/errors.ts'
import type { IndexedModel, ModelEntry } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'

/** Without the facts that are ours alone. */
function cacheEntry (model: IndexedModel): ModelEntry {
  const { id, type, root_id: rootId, preview_version: previewVersion, metadata_error: metadataError, other_hashes: otherHashes, ...entry } = model
  return entry
}

export const getModelInfo = ({ library }: { library: ModelLibrary }) => (name: string): ModelEntry => {
  const model = library.index.lookup(name)
  if (!model) throw new NotFoundError(`${library.type.label} not found`)
  return cacheEntry(model)
}

import type { IndexedModel, ModelEntry } from '../../services/models/entry.ts'

/** Without the facts that are ours alone. */
export function cacheEntry (model: IndexedModel): ModelEntry {
  const { id, type, root_id: rootId, preview_version: previewVersion, metadata_error: metadataError, other_hashes: otherHashes, ...entry } = model
  return entry
}

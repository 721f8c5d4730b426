import type { IndexedModel } from './entry.ts'
import { inFieldOrder } from './sidecar-file.ts'

/** What is known of a model that has no sidecar yet. */
export interface NewModel {
  type: IndexedModel['type']
  path: string
  stem: string
  size: number
  /** Seconds since the epoch. */
  modified: number
  fromCivitai: boolean
  preview: string
  subType: string | null
}

/** A new sidecar document, in field order; `fields` replaces defaults. `autov3` is left out until it has been looked for. */
export function newSidecar (model: NewModel, fields: Record<string, unknown> = {}): Record<string, unknown> {
  const document: Record<string, unknown> = {
    file_name: model.stem,
    model_name: model.stem,
    file_path: model.path,
    size: model.size,
    modified: model.modified,
    sha256: '',
    base_model: 'Unknown',
    preview_url: model.preview,
    preview_nsfw_level: 0,
    notes: '',
    from_civitai: model.fromCivitai,
    civitai: {},
    tags: [],
    modelDescription: '',
    civitai_deleted: false,
    favorite: false,
    exclude: false,
    db_checked: false,
    skip_metadata_refresh: false,
    metadata_source: null,
    last_checked_at: 0,
    trainedWords: [],
    ...(model.type === 'lora' && { usage_tips: '{}' }),
    ...(model.subType !== null && { sub_type: model.subType }),
    ...fields
  }
  document.hash_status ??= document.sha256 === '' ? 'pending' : 'completed'
  return inFieldOrder(document)
}

/** The full document for a model whose sidecar is missing, restored from what the index holds of it. */
export function defaultSidecar (entry: Omit<IndexedModel, 'id'>): Record<string, unknown> {
  const model: NewModel = {
    type: entry.type,
    path: entry.file_path,
    stem: entry.file_name,
    size: entry.size,
    modified: entry.modified,
    fromCivitai: entry.from_civitai,
    preview: entry.preview_url,
    subType: entry.sub_type ?? null
  }
  return newSidecar(model, {
    model_name: entry.model_name,
    sha256: entry.sha256,
    base_model: entry.base_model,
    preview_nsfw_level: entry.preview_nsfw_level,
    notes: entry.notes,
    civitai: entry.civitai ?? {},
    tags: entry.tags,
    civitai_deleted: entry.civitai_deleted,
    favorite: entry.favorite,
    exclude: entry.exclude,
    db_checked: entry.db_checked,
    skip_metadata_refresh: entry.skip_metadata_refresh,
    metadata_source: entry.metadata_source,
    last_checked_at: entry.last_checked_at,
    hash_status: entry.hash_status,
    ...(entry.autov3 !== null && { autov3: entry.autov3 || null }),
    ...(entry.usage_tips && { usage_tips: entry.usage_tips }),
    ...(entry.hf_url && { hf_url: entry.hf_url })
  })
}

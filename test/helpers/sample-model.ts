import type { IndexedModel } from '../../services/models/entry.ts'

/** A model with everything it needs. */
export function sampleModel (over: Partial<IndexedModel> = {}): IndexedModel {
  return {
    id: 1,
    type: 'lora',
    root_id: 'r',
    file_path: '/m/x.safetensors',
    file_name: 'x',
    model_name: 'X',
    folder: '',
    size: 10,
    modified: 0,
    sha256: '',
    autov3: null,
    base_model: '',
    preview_url: '',
    preview_nsfw_level: 0,
    preview_version: '',
    from_civitai: true,
    favorite: false,
    notes: '',
    usage_tips: '{}',
    metadata_source: null,
    metadata_error: '',
    exclude: false,
    db_checked: false,
    last_checked_at: 0,
    tags: [],
    civitai: null,
    civitai_deleted: false,
    skip_metadata_refresh: false,
    hf_url: '',
    license_flags: 113,
    hash_status: 'completed',
    other_hashes: null,
    ...over
  }
}

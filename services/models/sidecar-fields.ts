/**
 * Known fields of a sidecar in the order in which a newly made one holds them. Apart from the schema, since threads that
 * only read and write sidecars need no schemas.
 */
export const SIDECAR_FIELD_ORDER: readonly string[] = [
  'file_name', 'model_name', 'file_path', 'size', 'modified', 'sha256', 'base_model', 'preview_url', 'preview_nsfw_level',
  'notes', 'from_civitai', 'civitai', 'tags', 'modelDescription', 'civitai_deleted', 'favorite', 'exclude', 'db_checked',
  'skip_metadata_refresh', 'metadata_source', 'last_checked_at', 'hash_status', 'autov3', 'trainedWords', 'usage_tips',
  'sub_type', 'hf_url', 'allowNoCredit', 'allowCommercialUse', 'allowDerivatives', 'allowDifferentLicense'
]

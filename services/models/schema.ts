import { Type, type Static } from '@sinclair/typebox'

/**
 * The sidecar `<stem>.metadata.json`: an open document that users and other programs extend.
 * Every member is optional, since older files hold any subset; the order here is that of `sidecar-fields.ts`.
 */
export const Sidecar = Type.Object({
  file_name: Type.Optional(Type.String({ description: 'Base name of the model file without extension' })),
  model_name: Type.Optional(Type.String()),
  file_path: Type.Optional(Type.String({ description: 'Absolute path with `/`' })),
  size: Type.Optional(Type.Number({ description: 'Bytes at import' })),
  modified: Type.Optional(Type.Number({ description: 'Import time in seconds since the epoch' })),
  sha256: Type.Optional(Type.String({ description: 'Lower-case hex, "" when not known yet' })),
  base_model: Type.Optional(Type.String()),
  preview_url: Type.Optional(Type.String({ description: 'Absolute path of the preview file, or ""' })),
  preview_nsfw_level: Type.Optional(Type.Number({ description: '0 unknown, 1 PG, 2 PG13, 4 R, 8 X, 16 XXX, 32 blocked' })),
  notes: Type.Optional(Type.String()),
  from_civitai: Type.Optional(Type.Boolean({ description: 'False: not to be found on CivitAI' })),
  civitai: Type.Optional(Type.Unknown({ description: 'The version as CivitAI describes it, with the user\'s trainedWords and customImages' })),
  tags: Type.Optional(Type.Array(Type.String())),
  modelDescription: Type.Optional(Type.String({ description: 'HTML' })),
  civitai_deleted: Type.Optional(Type.Boolean()),
  favorite: Type.Optional(Type.Boolean()),
  exclude: Type.Optional(Type.Boolean()),
  db_checked: Type.Optional(Type.Boolean()),
  skip_metadata_refresh: Type.Optional(Type.Boolean()),
  metadata_source: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: '`civitai_api`, `civarchive`, `archive_db` or null' })),
  last_checked_at: Type.Optional(Type.Number({ description: 'Seconds since the epoch' })),
  hash_status: Type.Optional(Type.String({ description: '`pending`, `calculating`, `completed` or `failed`' })),
  autov3: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: '12 lower-case hex; null: looked for and absent; missing: never looked for' })),
  trainedWords: Type.Optional(Type.Array(Type.String(), { description: 'Trigger words from sources other than CivitAI' })),
  usage_tips: Type.Optional(Type.String({ description: 'LoRAs only: JSON text' })),
  sub_type: Type.Optional(Type.String({ description: 'Checkpoints and embeddings' })),
  hf_url: Type.Optional(Type.String()),
  allowNoCredit: Type.Optional(Type.Unknown()),
  allowCommercialUse: Type.Optional(Type.Unknown()),
  allowDerivatives: Type.Optional(Type.Unknown()),
  allowDifferentLicense: Type.Optional(Type.Unknown())
}, { $id: 'Sidecar', additionalProperties: true, description: 'What is stored beside a model file' })

export type SidecarDocument = Static<typeof Sidecar>

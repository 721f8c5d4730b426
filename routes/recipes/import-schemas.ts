import { Type, type TProperties, type TSchema } from '@sinclair/typebox'
import { RecipeMatches, success } from './schemas.ts'

export const tags = ['recipes']
export const open = (members: TProperties): TSchema => Type.Object(members, { additionalProperties: true })
export const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()])

export const Analysis = open({
  error: Type.Optional(Type.String({ description: 'Set when the image tells nothing' })),
  base_model: Type.Optional(nullable(Type.String())),
  loras: Type.Array(open({})),
  gen_params: Type.Optional(open({})),
  checkpoint: Type.Optional(nullable(open({}))),
  model: Type.Optional(nullable(open({}))),
  image_base64: Type.Optional(Type.String({ description: 'The image itself, of analyses that did not get it from the client' })),
  is_video: Type.Optional(Type.Boolean()),
  extension: Type.Optional(Type.String()),
  fingerprint: Type.Optional(Type.String()),
  matching_recipes: Type.Optional(RecipeMatches),
  preview_nsfw_level: Type.Optional(Type.Integer())
})

const saved = { recipe_id: Type.String(), image_path: Type.Optional(Type.String()), json_path: Type.Optional(Type.String()) }
export const SaveResult = success({ ...saved, matching_recipes: RecipeMatches })
export const WidgetResult = success({ ...saved, recipe_name: Type.String() })
export const UrlImport = success({
  ...saved,
  matching_recipes: Type.Optional(RecipeMatches),
  name: Type.Optional(Type.String()),
  already_exists: Type.Optional(Type.Literal(true))
})

export const Listing = success({
  current_path: Type.String(),
  parent_path: nullable(Type.String()),
  directories: Type.Array(open({ name: Type.String(), path: Type.String(), is_parent: Type.Boolean() })),
  image_files: Type.Array(open({ name: Type.String(), path: Type.String(), size: Type.Integer() })),
  image_count: Type.Integer(),
  directory_count: Type.Integer()
})

export const BatchProgress = open({
  operation_id: Type.String(),
  total: Type.Integer(),
  completed: Type.Integer(),
  success: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  current_item: Type.String(),
  status: Type.String({ description: 'pending, running, completed or cancelled' }),
  started_at: nullable(Type.Number({ description: 'Seconds since the epoch' })),
  finished_at: nullable(Type.Number()),
  progress_percent: Type.Number(),
  items: Type.Array(open({
    id: Type.String(),
    source: Type.String(),
    item_type: Type.String(),
    status: Type.String({ description: 'pending, processing, success, failed or skipped' }),
    error_message: nullable(Type.String()),
    recipe_name: nullable(Type.String()),
    recipe_id: nullable(Type.String()),
    duration: Type.Number({ description: 'Seconds' })
  }))
})

const Count = Type.Integer()
const Recipe = Type.Unsafe({ $ref: 'Recipe#' })
const EntryMatch = open({ type: Type.String(), entry: Type.String(), file_name: Type.String(), match_level: Type.String({ description: 'L1 hash, L2 version, L3 AutoV3 computed for this, L4 name' }) })
const OpenEntry = open({ type: Type.String(), entry: Type.String() })
const entryCounts = { matched_recipes: Count, matched_entries: Count, unresolved_recipes: Count, unresolved_entries: Count }

export const Message = success({ message: Type.String() })
export const SweepProgress = success({ progress: open({ status: Type.String({ description: 'started, processing, completed, cancelled or error' }) }) })
export const RepairResult = success({ repaired: Count, skipped: Count, recipe: Recipe })
export const RepairSummary = success({ total: Count, repaired: Count, skipped: Count, errors: Count, recipes: Type.Array(Recipe) })
export const RematchResult = open({
  success: Type.Boolean(),
  rematched: Count,
  skipped: Count,
  ...entryCounts,
  errors: Type.Optional(Count),
  error: Type.Optional(Type.String()),
  details: open({ matched: Type.Array(EntryMatch), unresolved: Type.Array(OpenEntry) }),
  recipe: Recipe
})
export const RematchSummary = success({
  total: Count,
  rematched: Count,
  skipped: Count,
  errors: Count,
  ...entryCounts,
  recipes: Type.Array(Recipe),
  details: Type.Array(open({ recipe_id: Type.String(), matched: Type.Array(EntryMatch), unresolved: Type.Array(OpenEntry) }))
})

export const MissingPart = open({
  key: Type.String(),
  type: Type.String({ description: '`lora` or `checkpoint`' }),
  name: Type.String(),
  version_name: Type.String(),
  base_model: Type.String(),
  hash: Type.String({ description: '"" when unknown' }),
  model_id: nullable(Count),
  model_version_id: nullable(Count),
  recipe_count: Count,
  completes: Type.Integer({ description: 'Recipes that lack nothing else' }),
  recipe_ids: Type.Array(Type.String(), { description: 'At most 50' }),
  state: Type.String({ description: '`available`, `early-access`, `gone`, `unknown` (could not be asked yet), `unidentified` (nothing but a name is known)' }),
  reason: nullable(Type.String({ description: 'Why it is unknown: pending, offline, rate-limited, failed' })),
  source: nullable(Type.String({ description: 'civitai, civarchive or archive' })),
  file_name: Type.String(),
  size: nullable(Type.Integer({ description: 'Bytes' })),
  early_access_until: nullable(Type.String()),
  owned: Type.Array(open({ model_version_id: Count, version_name: Type.String(), file_name: Type.String(), newer: Type.Boolean() }), { description: 'Other versions of the same model in the library' }),
  candidates: Type.Array(Type.String(), { description: 'Paths of local models of that name' })
})

export const MissingReport = open({
  items: Type.Array(MissingPart, { description: 'What completes the most recipes first' }),
  next: nullable(Type.String()),
  recipes: Count,
  incomplete_recipes: Count,
  parts: Count,
  downloadable: Count,
  total_size: Type.Integer({ description: 'Bytes of all that can be downloaded' }),
  unknown_sizes: Count,
  pending: Type.Integer({ description: 'Parts nobody could be asked for yet; ask again' }),
  best: nullable(open({ key: Type.String(), completes: Count }))
})

import { Type, type TSchema } from '@sinclair/typebox'

/** Reference to the one failure shape. */
const failure = Type.Ref('Failure')

const failureTexts: Record<number, string> = {
  400: 'A parameter or the body is not usable',
  403: 'The path may not be read',
  404: 'There is no such thing',
  409: 'What is there does not allow it',
  416: 'The range lies outside the file',
  429: 'A provider asks for patience',
  500: 'A fault of ours',
  503: 'The library is not opened yet, or its disk does not answer'
}

/** The answers of a route: 200 and its failures. */
export function answers (ok: TSchema, ...failures: number[]): Record<number, TSchema> {
  const refused = [...failures, 500, 503].map((status): [number, TSchema] => [status, { ...failure, description: failureTexts[status] ?? 'Failure' }])
  return { 200: ok, ...Object.fromEntries(refused) }
}

/** Members that every success has, beside its own. */
export const success = (members: Record<string, TSchema>): TSchema => Type.Object({ success: Type.Literal(true), ...members }, { additionalProperties: true })

const text = (description: string): TSchema => Type.Optional(Type.String({ description }))
const flag = (description: string): TSchema => Type.Optional(Type.Boolean({ description: `${description}; "true" in any case is true, anything else false` }))
const list = (description: string): TSchema => Type.Optional(Type.Array(Type.String(), { description: `${description}; the key may be repeated` }))
const count = (description: string, fallback: number): TSchema => Type.Optional(Type.Integer({ description, default: fallback }))

/**
 * Query schemas tell what a route understands. The values are read by one strict module in the use cases, where clamps and
 * the clients' idea of truth live, so nothing is coerced or refused here.
 */
export const documentedOnly = () => (): boolean => true

export const query = { text, flag, list, count }

const filterParameters = {
  folder: text('Folder below the roots; empty means models at the root'),
  recursive: flag('Sub-folders too (default true)'),
  base_model: list('Base models, any of them'),
  model_type: list('Sub-types, any of them'),
  tag_include: list('Tags; `__no_tags__` means untagged'),
  tag_exclude: list('Tags that must be absent'),
  tag_logic: text('`any` (default) or `all`'),
  auto_tag_include: list('Derived tags such as `I2V`'),
  auto_tag_exclude: list('Derived tags that must be absent'),
  credit_required: text('Licence: whether credit must be given'),
  allow_selling_generated_content: text('Licence: whether generated images may be sold')
}

export const ListParameters = Type.Object({
  page: count('From 1', 1),
  page_size: count('At most 100', 20),
  sort_by: text('`name`, `date`, `size`, `usage`, `versions_count`, `random`, with `:asc` or `:desc` (`random:<seed>`)'),
  search: text('Text to look for'),
  fuzzy: flag('Every word, also with slips'),
  fuzzy_search: flag('As `fuzzy`'),
  search_filename: flag('Look in file names (default true)'),
  search_modelname: flag('Look in model names (default true)'),
  search_tags: flag('Look in tags'),
  search_creator: flag('Look in names of creators'),
  ...filterParameters,
  folder_include: list('Folders, any of them'),
  folder_exclude: list('Folders that must not hold the model'),
  civitai_model_type: list('As `model_type`'),
  tag: list('As `tag_include`'),
  tags: text('As `tag_include`, separated by commas'),
  favorites_only: flag('Only favourites'),
  update_available_only: flag('Only models with a newer version on offer'),
  hash: text('SHA-256, AutoV2 or AutoV3; replaces the other filters'),
  hashes: text('JSON array of hashes'),
  lora_hash: text('Hash of a LoRA'),
  lora_hashes: text('Hashes of LoRAs, separated by commas'),
  checkpoint_hash: text('Hash of a checkpoint'),
  checkpoint_hashes: text('Hashes of checkpoints, separated by commas'),
  first_letter: text('`A`–`Z`, `#` digits, `@` signs, `漢` CJK'),
  name_pattern_include: list('Texts or patterns of names, any of them'),
  name_pattern_exclude: list('Texts or patterns that must not match'),
  name_pattern_use_regex: flag('Read them as regular expressions'),
  group_by_model: flag('One entry per model, its newest version'),
  civitai_model_id: text('All local versions of a model: its CivitAI id, or `hf:owner/repo`')
}, { additionalProperties: true })

export const PathParameters = Type.Object({
  search: text('Words that must all occur; `-word` must not'),
  limit: count('At most 100', 15),
  offset: count('From 0', 0),
  ...filterParameters
}, { additionalProperties: true })

export const DuplicateParameters = Type.Object({
  base_model: filterParameters.base_model,
  tag_include: filterParameters.tag_include,
  tag_exclude: filterParameters.tag_exclude,
  model_type: filterParameters.model_type,
  folder: text('Folder and its sub-folders'),
  favorites_only: flag('Only favourites')
}, { additionalProperties: true })

export const parameters = (members: Record<string, TSchema>): TSchema => Type.Object(members, { additionalProperties: true })
export const nameParameter = parameters({ name: Type.String({ description: 'File name without extension, with or without its folder' }) })
export const filePathParameter = parameters({ file_path: Type.String({ description: 'Absolute path of the model as the lists give it' }) })

/** One model of a list; clients may find further members. */
export const ListItem = Type.Object({
  model_name: Type.String(),
  file_name: Type.String({ description: 'Without extension' }),
  preview_url: Type.String({ description: 'Usable in <img> and <video>, or ""' }),
  preview_nsfw_level: Type.Integer(),
  base_model: Type.String(),
  folder: Type.String(),
  sha256: Type.String({ description: '"" while not computed' }),
  file_path: Type.String(),
  file_size: Type.Integer(),
  modified: Type.Number({ description: 'Unix seconds of the import' }),
  tags: Type.Array(Type.String()),
  from_civitai: Type.Boolean(),
  usage_count: Type.Integer(),
  usage_tips: Type.Optional(Type.String({ description: 'JSON text; LoRAs only' })),
  notes: Type.String(),
  favorite: Type.Boolean(),
  exclude: Type.Boolean(),
  update_available: Type.Boolean(),
  skip_metadata_refresh: Type.Boolean(),
  sub_type: Type.String(),
  civitai: Type.Object({}, { additionalProperties: true }),
  auto_tags: Type.Array(Type.String()),
  version_count: Type.Union([Type.Integer(), Type.Null()]),
  hf_url: Type.String()
}, { additionalProperties: true })

export const ListEnvelope = Type.Object({
  items: Type.Array(ListItem),
  total: Type.Integer(),
  page: Type.Integer(),
  page_size: Type.Integer(),
  total_pages: Type.Integer()
}, { additionalProperties: true })

/** The raw cache entry. */
export const CacheEntry = Type.Object({
  file_path: Type.String(),
  file_name: Type.String(),
  model_name: Type.String(),
  folder: Type.String(),
  size: Type.Number(),
  modified: Type.Number(),
  sha256: Type.String(),
  base_model: Type.String(),
  preview_url: Type.String({ description: 'Path of the preview file' }),
  tags: Type.Array(Type.String()),
  hash_status: Type.String()
}, { additionalProperties: true })

export const Counted = (key: string): TSchema => Type.Array(Type.Object({ [key]: Type.String(), count: Type.Integer() }))
export const Groups = (key: string): TSchema => Type.Array(Type.Object({ [key]: Type.String(), models: Type.Array(ListItem) }))
export const FolderTree = Type.Record(Type.String(), Type.Unknown(), { description: 'Nested objects, one per folder' })
export const Texts = Type.Array(Type.String())

const nullable = (schema: TSchema): TSchema => Type.Optional(Type.Union([schema, Type.Null()]))
const includeExclude = Type.Optional(Type.Object({ include: Type.Optional(Texts), exclude: Type.Optional(Texts) }, { additionalProperties: true }))

export const PoolConfig = Type.Object({
  baseModels: Type.Optional(Texts),
  tags: includeExclude,
  folders: includeExclude,
  license: Type.Optional(Type.Object({ noCreditRequired: Type.Optional(Type.Boolean()), allowSelling: Type.Optional(Type.Boolean()) }, { additionalProperties: true })),
  namePatterns: Type.Optional(Type.Object({ include: Type.Optional(Texts), exclude: Type.Optional(Texts), useRegex: Type.Optional(Type.Boolean()) }, { additionalProperties: true }))
}, { additionalProperties: true })

export const SampleBody = Type.Object({
  count: Type.Optional(Type.Integer()),
  count_min: Type.Optional(Type.Integer()),
  count_max: Type.Optional(Type.Integer()),
  model_strength_min: Type.Optional(Type.Number()),
  model_strength_max: Type.Optional(Type.Number()),
  use_same_clip_strength: Type.Optional(Type.Boolean()),
  clip_strength_min: Type.Optional(Type.Number()),
  clip_strength_max: Type.Optional(Type.Number()),
  locked_loras: Type.Optional(Type.Array(Type.Object({ name: Type.Optional(Type.String()) }, { additionalProperties: true }))),
  pool_config: nullable(PoolConfig),
  use_recommended_strength: Type.Optional(Type.Boolean()),
  recommended_strength_scale_min: Type.Optional(Type.Number()),
  recommended_strength_scale_max: Type.Optional(Type.Number())
}, { additionalProperties: true })

export const CycleBody = Type.Object({ pool_config: nullable(PoolConfig), sort_by: Type.Optional(Type.String()) }, { additionalProperties: true })

const NodeId = Type.Union([Type.String(), Type.Number()])
export const TriggerWordsBody = Type.Object({
  lora_names: Type.Optional(Texts),
  node_ids: Type.Optional(Type.Array(Type.Union([NodeId, Type.Object({ node_id: NodeId, graph_id: nullable(NodeId) }, { additionalProperties: true })])))
}, { additionalProperties: true })

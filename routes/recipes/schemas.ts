import { Type, type TProperties, type TSchema } from '@sinclair/typebox'

const failure = Type.Ref('Failure')

const failureTexts: Record<number, string> = {
  400: 'A parameter or the body is not usable',
  403: 'The path may not be read or written',
  404: 'There is no such thing',
  409: 'What is there does not allow it',
  500: 'A fault of ours',
  502: 'Another program answered with a failure',
  503: 'The recipes are not opened yet, or their disk is away',
  507: 'The disk is full'
}

/** The answers of a route: 200 and its failures. */
export function answers (ok: TSchema | object, ...failures: number[]): Record<number, TSchema | object> {
  const refused = [...failures, 500, 503].map((status): [number, TSchema] => [status, { ...failure, description: failureTexts[status] ?? 'Failure' }])
  return { 200: ok, ...Object.fromEntries(refused) }
}

/** Members that every success has, beside its own. */
export const success = (members: TProperties): TSchema => Type.Object({ success: Type.Literal(true), ...members }, { additionalProperties: true })

/** What is missing or of the wrong type is told by the use case, in the words that clients know. */
export const body = (names: Record<string, string>): TSchema => Type.Object(
  Object.fromEntries(Object.entries(names).map(([name, description]) => [name, Type.Optional(Type.Unknown({ description }))])), { additionalProperties: true }
)

/** Query schemas tell what a route understands; the values are read by one strict module in the use cases. */
export const documentedOnly = () => (): boolean => true

const text = (description: string): TSchema => Type.Optional(Type.String({ description }))
const flag = (description: string, fallback: boolean): TSchema => Type.Optional(Type.Boolean({ description: `${description}; "true" in any case is true, anything else false`, default: fallback }))
const list = (description: string): TSchema => Type.Optional(Type.Array(Type.String(), { description: `${description}; the key may be repeated` }))
const count = (description: string, fallback: number): TSchema => Type.Optional(Type.Integer({ description, default: fallback }))

export const query = { text, flag, list, count }

export const IdParams = Type.Object({ id: Type.String({ description: 'The recipe\'s id: the stem of its files' }) })

export const ListParameters = Type.Object({
  page: count('From 1', 1),
  page_size: count('At most 1000', 20),
  sort_by: text('`date` (default), `name`, `loras_count`, `opened`, with `:asc` or `:desc`; `random:<seed>`'),
  search: text('Words that all begin words of one field'),
  search_title: flag('Look in titles', true),
  search_tags: flag('Look in tags', true),
  search_lora_name: flag('Look in file names of LoRAs', true),
  search_lora_model: flag('Look in names of LoRAs', true),
  search_prompt: flag('Look in prompts', true),
  folder: text('Folder below the recipe directory; empty and not recursive means the top alone'),
  recursive: flag('Sub-folders too', true),
  base_models: list('Base models, any of them, also separated by commas'),
  favorite: flag('Favourites alone', false),
  tags: list('Tags, any of them, also separated by commas'),
  tag_include: list('Tags, any of them; `__no_tags__` means untagged'),
  tag_exclude: list('Tags that must be absent'),
  lora_hash: text('Recipes with this LoRA; other filters don\'t count then'),
  checkpoint_hash: text('Recipes with this checkpoint; other filters don\'t count then')
})

/** A recipe as answers show it: its file's members, and what the library has of its models. */
export const Recipe = Type.Object({
  id: Type.String(),
  title: Type.String(),
  file_path: Type.String({ description: 'Absolute path of the image or video' }),
  file_url: Type.String({ description: 'Where to show it from' }),
  folder: Type.String(),
  base_model: Type.String(),
  loras: Type.Array(Type.Object({
    inLibrary: Type.Boolean(),
    matched_by: Type.Optional(Type.String({ description: 'What it was found by in the library: `hash`, `version-id`, `path` or `name`' })),
    ambiguous: Type.Optional(Type.Array(Type.String(), { description: 'Paths of the models that bear its name, when there are several and nothing else tells' })),
    renamed: Type.Optional(Type.Boolean({ description: 'The file in the library has another name than the recipe knows' })),
    localPath: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    preview_url: Type.Optional(Type.Union([Type.String(), Type.Null()]))
  }, { additionalProperties: true, description: 'In the order of the file, see RecipeLora' })),
  gen_params: Type.Object({}, { additionalProperties: true }),
  checkpoint: Type.Optional(Type.Object({}, { additionalProperties: true, description: 'See RecipeCheckpoint' })),
  tags: Type.Optional(Type.Array(Type.String())),
  has_workflow: Type.Boolean(),
  created_date_formatted: Type.Optional(Type.String({ description: '`YYYY-MM-DD HH:MM:SS` where the server is' })),
  modified_formatted: Type.Optional(Type.String()),
  width: Type.Optional(Type.Integer({ description: 'Lists only; absent for videos' })),
  height: Type.Optional(Type.Integer())
}, { $id: 'Recipe', additionalProperties: true })

const recipe = { $ref: 'Recipe#' }

export const RecipePage = Type.Object({
  items: Type.Array(Type.Unsafe(recipe)),
  total: Type.Integer(),
  page: Type.Integer(),
  page_size: Type.Integer(),
  total_pages: Type.Integer()
})

export const Recipes = Type.Array(Type.Unsafe(recipe))

const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()])

/** What is said of a recipe that equals another. */
export const RecipeMatches = Type.Array(Type.Object({
  id: Type.String(),
  title: Type.String(),
  file_url: Type.String(),
  modified: nullable(Type.Number()),
  created_date: nullable(Type.Number()),
  lora_count: Type.Integer()
}, { additionalProperties: true }))

export const DuplicateGroups = Type.Array(Type.Object({
  type: Type.String({ description: '`fingerprint` or `source_path`' }),
  key: Type.String(),
  fingerprint: Type.String(),
  count: Type.Integer(),
  recipes: RecipeMatches
}))

export const BatchId = nullable(Type.String({ description: 'For undo-delete, within 20 seconds; later from the trash. null: the files were gone already' }))

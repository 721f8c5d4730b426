import { Type, type Static } from '@sinclair/typebox'

const text = (description?: string) => Type.Optional(Type.Union([Type.String(), Type.Null()], description === undefined ? {} : { description }))
const id = (description: string) => Type.Optional(Type.Union([Type.Integer(), Type.String(), Type.Null()], { description }))
const flag = Type.Optional(Type.Boolean())

/** One LoRA of a recipe as it is stored; older files and other programs leave members out or name them otherwise. */
export const RecipeLora = Type.Object({
  file_name: text('Stem, sometimes with its folder; "" when the LoRA is not in the library'),
  hash: text('Lower-case SHA-256, or the 10 digits of AutoV2, or the 12 of AutoV3, or ""'),
  strength: Type.Optional(Type.Union([Type.Number(), Type.String(), Type.Null()])),
  modelVersionId: id('CivitAI version, 0 when unknown'),
  modelName: text(),
  modelVersionName: text(),
  isDeleted: flag,
  exclude: flag
}, { $id: 'RecipeLora', additionalProperties: true })

/** The checkpoint of a recipe: `id` and `modelVersionId`, `name` and `modelName`, `version` and `modelVersionName` say the same. */
export const RecipeCheckpoint = Type.Object({
  type: text(),
  id: id('CivitAI version'),
  modelId: id('CivitAI model'),
  modelVersionId: id('CivitAI version'),
  name: text(),
  modelName: text(),
  version: text(),
  modelVersionName: text(),
  hash: text(),
  file_name: text(),
  baseModel: text()
}, { $id: 'RecipeCheckpoint', additionalProperties: true })

/**
 * `<id>.recipe.json`: an open document that users and other programs extend. Only `id`, `file_path` and `title` are always there;
 * the order here is that of a newly made file.
 */
export const RecipeFile = Type.Object({
  id: Type.String(),
  file_path: Type.String({ description: 'Absolute path of the image or video' }),
  title: Type.String(),
  modified: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'Seconds since the epoch; changes only when a LoRA is connected anew' })),
  created_date: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'Seconds since the epoch' })),
  base_model: text(),
  loras: Type.Optional(Type.Unknown({ description: 'A list of LoRAs, see RecipeLora' })),
  gen_params: Type.Optional(Type.Unknown({ description: 'Generation parameters by name' })),
  fingerprint: text('Which LoRAs at which strength'),
  has_workflow: flag,
  checkpoint: Type.Optional(Type.Unknown({ description: 'See RecipeCheckpoint; older files hold a name or a list of one' })),
  tags: Type.Optional(Type.Unknown({ description: 'A list of texts' })),
  source_path: text('URL or path that it was imported from'),
  preview_nsfw_level: Type.Optional(Type.Union([Type.Integer(), Type.Null()], { description: '1 PG, 2 PG13, 4 R, 8 X, 16 XXX, 32 blocked' })),
  folder: text('Relative to the recipe directory, `/` as separator'),
  favorite: flag,
  repair_version: Type.Optional(Type.Integer()),
  loras_stack: text('`<lora:…>` tags as a node wrote them')
}, { $id: 'RecipeFile', additionalProperties: true, description: 'What is stored of a recipe beside its image' })

export type RecipeLoraEntry = Static<typeof RecipeLora> & Record<string, unknown>
export type RecipeCheckpointEntry = Static<typeof RecipeCheckpoint> & Record<string, unknown>

/** A recipe's document after it was loaded: what is missing or spelled in an older way is put right, unknown members stay. */
export type RecipeDocument = Record<string, unknown> & Omit<Static<typeof RecipeFile>, 'loras' | 'gen_params' | 'checkpoint' | 'tags'> & {
  loras: RecipeLoraEntry[]
  gen_params: Record<string, unknown>
  checkpoint?: RecipeCheckpointEntry
  tags?: string[]
}

/** Known members in the order in which a newly made file holds them. */
export const RECIPE_FIELD_ORDER: readonly string[] = Object.keys(RecipeFile.properties)

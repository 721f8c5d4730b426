import { Type, type TSchema } from '@sinclair/typebox'

export const tags = ['presence']

const text = (description: string): TSchema => Type.Optional(Type.String({ description }))
const nullable = (schema: TSchema, description?: string): TSchema => Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
const parameters = (members: Record<string, TSchema>): TSchema => Type.Object(members, { additionalProperties: true })
const success = (members: Record<string, TSchema>): TSchema => Type.Object({ success: Type.Literal(true), ...members }, { additionalProperties: true })

/** The answers of a route: 200 and its failures. */
export const answers = (ok: TSchema, ...failures: number[]): Record<number, unknown> =>
  ({ 200: ok, ...Object.fromEntries([...failures, 500, 503].map((status) => [status, { $ref: 'Failure#' }])) })

/** Query schemas tell what a route understands; the use cases read the values. */
export const documentedOnly = () => (): boolean => true

const typeText = text('lora, checkpoint or embedding; locon, dora and textualinversion too')
const initializing = { isInitializing: Type.Optional(Type.Literal(true, { description: 'The first scan runs: what is not found may still be there' })) }
const Version = Type.Object({ versionId: Type.Integer(), name: Type.String(), fileName: Type.String(), hasBeenDownloaded: Type.Literal(true) })
const modelPresence = {
  modelType: nullable(Type.String()),
  versions: Type.Array(Version, { description: 'Those in the library' }),
  downloadedVersionIds: Type.Array(Type.Integer(), { description: 'Those that were downloaded once; only where none is in the library' })
}
const LocalFile = Type.Object({ fileId: nullable(Type.Integer(), 'null: none of the files that the version is known to have'), fileName: Type.String(), filePath: Type.String() })

export const CheckParameters = parameters({ modelId: text('CivitAI model'), modelVersionId: text('One version of it: is it here?') })
/** Of a version, or of a model: the members of either. */
export const Checked = success({
  exists: Type.Optional(Type.Boolean()),
  modelType: modelPresence.modelType,
  hasBeenDownloaded: Type.Optional(Type.Boolean({ description: 'Of a version that is not here: whether it was downloaded once' })),
  downloadedFiles: Type.Optional(Type.Array(LocalFile)),
  versions: Type.Optional(modelPresence.versions),
  downloadedVersionIds: Type.Optional(modelPresence.downloadedVersionIds),
  ...initializing
})
export const CheckManyParameters = parameters({ modelIds: text('CivitAI models, with commas between them; at most 1,000') })
export const CheckedMany = success({
  results: Type.Array(Type.Object({ modelId: Type.Integer(), ...modelPresence, downloadedVersionIds: Type.Array(Type.Integer(), { description: 'Always empty here' }) })),
  ...initializing
})

export const StatusParameters = parameters({ modelType: typeText, modelVersionId: text('CivitAI version') })
export const SetStatusParameters = parameters({
  modelType: typeText,
  modelVersionId: text('CivitAI version'),
  downloaded: text('`true` or `1`, `false` or `0`'),
  modelId: text('Its model'),
  filePath: text('Where it lies or lay')
})
export const SetStatusBody = Type.Object(Object.fromEntries(['modelType', 'modelVersionId', 'downloaded', 'modelId', 'filePath'].map((name) => [name, Type.Optional(Type.Unknown())])), { additionalProperties: true })
export const Status = success({ modelType: Type.String(), modelVersionId: Type.Integer(), hasBeenDownloaded: Type.Boolean() })

export const ModelParameters = parameters({ modelId: text('CivitAI model') })
export const VersionStates = success({
  modelId: Type.Integer(),
  modelName: Type.String(),
  modelType: Type.String({ description: "CivitAI's type in lower case" }),
  versions: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String(), thumbnailUrl: nullable(Type.String()), inLibrary: Type.Boolean(), hasBeenDownloaded: Type.Boolean() }))
})

export const UserParameters = parameters({ username: text('Name of the creator on CivitAI'), cursor: text('`nextCursor` of the page before') })
export const UserModels = success({
  username: Type.String(),
  versions: Type.Array(Type.Object({
    modelId: Type.Integer(),
    versionId: Type.Integer(),
    modelName: Type.String(),
    versionName: Type.String(),
    type: Type.String({ description: "CivitAI's type in lower case" }),
    tags: Type.Array(Type.String()),
    baseModel: Type.String(),
    thumbnailUrl: nullable(Type.String()),
    inLibrary: Type.Boolean(),
    hasBeenDownloaded: Type.Boolean()
  })),
  modelCount: Type.Integer({ description: 'Models of this page that can be used here' }),
  nextCursor: nullable(Type.String()),
  hasMore: Type.Boolean(),
  estimatedTotal: nullable(Type.Integer(), 'How many models the creator has; on the first page only, and where CivitAI says it')
})

export const VersionParameters = parameters({ modelVersionId: text('CivitAI version') })
export const DeletedVersion = success({
  modelType: Type.String(),
  modelVersionId: Type.Integer(),
  deletedFiles: Type.Integer({ description: 'Models that went to the trash, each with its sidecar and previews' }),
  batch_id: nullable(Type.String(), 'For undo-delete; null: the files were gone already')
})

import { Type, type TSchema } from '@sinclair/typebox'

export const tags = ['example-images']
const failure = { $ref: 'Failure#' }

/** Bodies are read by one strict module of the use cases, in the words that clients know; here stands what a route understands. */
export const body = (members: Record<string, TSchema>): TSchema => Type.Object(members, { additionalProperties: true })
export const documentedOnly = () => (): boolean => true
export const optional = (description: string): TSchema => Type.Optional(Type.Unknown({ description }))
export const success = (members: Record<string, TSchema>): TSchema => Type.Object({ success: Type.Literal(true), ...members }, { additionalProperties: true })

export const answers = (ok: TSchema | object, ...failures: number[]): Record<number, unknown> =>
  ({ 200: ok, ...Object.fromEntries([...failures, 500, 503].map((status) => [status, failure])) })

const hashes = (description: string) => Type.Array(Type.String(), { description: `${description}; the newest hundred, all with \`details=1\`` })
const seconds = (description: string) => Type.Union([Type.Number(), Type.Null()], { description: `${description}, seconds since 1970` })

export const SnapshotSchema = Type.Object({
  status: Type.String({ description: '`idle`, `running`, `paused`, `stopping`, `stopped`, `completed` or `error`' }),
  total: Type.Integer({ description: 'Models of this run' }),
  completed: Type.Integer({ description: 'Models handled, skipped ones included' }),
  processed: Type.Integer({ description: 'As `completed`' }),
  current_model: Type.String(),
  errors: Type.Array(Type.String(), { description: 'The newest fifty' }),
  last_error: Type.Union([Type.String(), Type.Null()]),
  start_time: seconds('Start'),
  end_time: seconds('End'),
  waiting_until: seconds('A host asked for patience until then'),
  processed_models: hashes('Models that are done'),
  refreshed_models: hashes('Models whose metadata was asked for anew'),
  failed_models: hashes('Models that have no images, or some that are gone'),
  reprocessed_models: hashes('Models that were done and whose folder is empty now'),
  rate_limited_models: hashes('Models that a host asked patience for'),
  processed_count: Type.Integer(),
  refreshed_count: Type.Integer(),
  failed_count: Type.Integer(),
  reprocessed_count: Type.Integer(),
  rate_limited_count: Type.Integer(),
  outcomes: Type.Record(Type.String(), Type.Integer(), { description: 'How the models were left: `complete`, `skipped`, `no_images`, `not_found`, `rate_limited`, `incomplete`; adds up to `completed`' })
}, { $id: 'ExampleImageRun', additionalProperties: true })

export const snapshot = { $ref: 'ExampleImageRun#' } as unknown as TSchema

export const FileSchema = Type.Object({
  name: Type.String(),
  path: Type.String({ description: 'Address to show it with' }),
  extension: Type.String({ description: 'Lower-case, with the dot' }),
  is_video: Type.Boolean()
}, { $id: 'ExampleImageFile' })

export const files = Type.Array({ $ref: 'ExampleImageFile#' } as unknown as TSchema)

export const gallery = {
  regular_images: Type.Array(Type.Unknown(), { description: '`civitai.images` of the sidecar' }),
  custom_images: Type.Array(Type.Unknown(), { description: '`civitai.customImages` of the sidecar' }),
  model_file_path: Type.String()
}

import { Type, type TSchema } from '@sinclair/typebox'

export const failure = { $ref: 'Failure#' }
export const tags = ['downloads']

/** Query schemas tell what a route understands; one strict module reads the values. */
export const documentedOnly = () => (): boolean => true

export const text = (description: string): TSchema => Type.Optional(Type.String({ description }))
export const parameters = (members: Record<string, TSchema>): TSchema => Type.Object(members, { additionalProperties: true })
export const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()])
export const open = (members: Record<string, TSchema>): TSchema => Type.Object(members, { additionalProperties: true })
export const answers = (ok: TSchema | object, ...failures: number[]): Record<number, unknown> =>
  ({ 200: ok, ...Object.fromEntries([...failures, 500, 503].map((status) => [status, failure])) })

const Id = Type.Union([Type.Integer(), Type.String()])
export const FileParams = Type.Unknown({ description: 'Which file of the version: `{id, name, type, format, size, fp, isPrimary}`' })

export const DownloadBody = open({
  model_id: Type.Optional(nullable(Id)),
  model_version_id: Type.Optional(nullable(Id)),
  model_root: Type.Optional(nullable(Type.String({ description: 'A folder inside one of the model folders' }))),
  relative_path: Type.Optional(nullable(Type.String())),
  use_default_paths: Type.Optional(nullable(Type.Boolean({ description: 'The default folder of the kind, and the template below it' }))),
  use_save_dir_as_root: Type.Optional(nullable(Type.Boolean({ description: 'With use_default_paths: the template below model_root' }))),
  download_id: Type.Optional(nullable(Type.Union([Type.String(), Type.Number()]))),
  source: Type.Optional(nullable(Type.String({ description: '`civarchive`: ask that provider first' }))),
  file_params: Type.Optional(nullable(FileParams))
})

export const downloadParameters = parameters({
  model_id: text('CivitAI model'),
  model_version_id: text('CivitAI version'),
  use_default_paths: text('`true`: the default folder and the template'),
  download_id: text('Id for progress and control; made when absent'),
  source: text('`civarchive`: ask that provider first'),
  file_params: text('JSON: which file of the version')
})

export const DownloadOutcome = open({
  success: Type.Boolean({ description: 'False only when the version is in the library already' }),
  download_id: Type.String(),
  file_path: Type.Optional(Type.String()),
  file_paths: Type.Optional(Type.Array(Type.String(), { description: 'All models that came out of an archive' })),
  skipped: Type.Optional(Type.Boolean()),
  cancelled: Type.Optional(Type.Boolean()),
  status: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
  file_name: Type.Optional(Type.String()),
  model_version_id: Type.Optional(nullable(Type.Integer())),
  base_model: Type.Optional(Type.String()),
  error: Type.Optional(Type.String())
})

export const idParameter = parameters({ download_id: text('Id of the download') })

const row = {
  model_id: nullable(Type.Integer()),
  model_version_id: nullable(Type.Integer()),
  model_name: nullable(Type.String()),
  version_name: nullable(Type.String()),
  thumbnail_url: nullable(Type.String()),
  file_params: nullable(Type.String({ description: 'JSON text' })),
  status: nullable(Type.String()),
  error: nullable(Type.String()),
  file_path: nullable(Type.String()),
  bytes_downloaded: nullable(Type.Integer()),
  total_bytes: nullable(Type.Integer()),
  completed_at: nullable(Type.Number())
}
export const QueueRow = open({
  download_id: Type.Optional(Type.String()),
  ...Object.fromEntries(Object.entries(row).map(([name, schema]) => [name, Type.Optional(schema)]))
})
export const HistoryRow = open({ id: Type.Integer(), download_id: nullable(Type.String()), ...row, is_already_exists: nullable(Type.Integer()) })
export const Stats = Type.Object(Object.fromEntries(['queued', 'downloading', 'paused', 'completed', 'failed', 'canceled'].map((word) => [word, Type.Integer()])))

const time = Type.String({ format: 'date-time' })
export const DownloadSchema = Type.Object({
  id: Type.String(),
  origin: Type.Union([Type.Literal('queue'), Type.Literal('client')], { description: '`queue`: our worker runs it; `client`: a client started it and waits' }),
  title: Type.String({ description: 'For people' }),
  state: Type.String({ description: 'queued, running, paused, succeeded, skipped, failed or cancelled' }),
  job: nullable(Type.String()),
  request: open({}),
  progress: Type.Object({
    percent: Type.Integer(),
    done: Type.Integer(),
    total: nullable(Type.Integer()),
    unit: Type.Literal('bytes'),
    rate: Type.Number({ description: 'Bytes a second' }),
    eta_seconds: nullable(Type.Integer())
  }),
  result: nullable(open({ file_path: nullable(Type.String()), file_paths: Type.Optional(Type.Array(Type.String(), { description: 'All models that came out of an archive' })), model_type: nullable(Type.String()), sha256: nullable(Type.String()), bytes: Type.Integer() })),
  error: nullable(open({ kind: Type.String(), code: Type.String(), message: Type.String() })),
  created_at: time,
  started_at: nullable(time),
  finished_at: nullable(time)
}, { $id: 'Download' })

/** Requests that wait for the end of a download. */
export const longLived = { longLived: true }

export type Query = Record<string, string | string[] | undefined>

/** The first value of a repeated key wins. */
export function firstValues (query: Query): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()[0]]))
}

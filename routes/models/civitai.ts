import type { FastifyPluginAsync } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { Core } from '../../services/core.ts'
import type { ModelType } from '../../services/models/types.ts'
import { createMetadataUseCases } from '../../use-cases/metadata/index.ts'
import type { OperationNames } from './operation.ts'
import { answers, documentedOnly, parameters, query, success } from './schemas.ts'

const open = { additionalProperties: true }
const given = (description: string) => Type.Optional(Type.Unknown({ description }))
const FilePath = given('Absolute path of the model as the lists give it')
const Version = Type.Object({}, { ...open, description: 'A version as its provider describes it' })

const Fetched = Type.Object({
  success: Type.Boolean(),
  metadata: Type.Optional(Type.Object({}, { ...open, description: 'The model as the lists give it' })),
  error: Type.Optional(Type.String({ description: 'Why there is nothing: nobody knows the file, or a provider asks for patience ("Rate limited")' }))
}, open)

const FetchedAll = Type.Object({
  success: Type.Boolean({ description: 'False when it was cancelled or given up' }),
  message: Type.String(),
  processed: Type.Integer(),
  updated: Type.Integer(),
  total: Type.Integer({ description: 'All models of the type' }),
  failures: Type.Array(Type.Object({ name: Type.String(), error: Type.String() })),
  failure_count: Type.Integer(),
  skipped_count: Type.Integer(),
  elapsed_seconds: Type.Integer()
}, open)

const LocalVersion = Type.Object({
  existsLocally: Type.Boolean(),
  localPath: Type.Optional(Type.String()),
  hasBeenDownloaded: Type.Boolean(),
  downloadedFiles: Type.Array(Type.Object({ fileId: Type.Union([Type.Integer(), Type.Null()]), fileName: Type.String(), filePath: Type.String() })),
  modelSizeKB: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'Of the primary file with weights' }))
}, open)

/** What CivitAI and its kin say of models of one type. */
export const civitaiRoutes: FastifyPluginAsync<{ names: OperationNames, type: ModelType }> = async (app, { names, type }) => {
  const { tags, id, plural, url } = names
  const useCases = createMetadataUseCases(app.getDecorator<Core>('core'), type, { warn: (message, error) => { app.log.warn({ err: error }, message) } })

  app.post<{ Body: { file_path?: unknown } }>(url('fetch-civitai'), {
    schema: { operationId: id('fetch', 'Metadata'), tags, summary: `Ask the providers what one of the ${plural} is, and keep what they say`, body: Type.Object({ file_path: FilePath }, open), response: answers(Fetched, 400, 404, 503) }
  }, async (request) => await useCases.fetchCivitai(request.body))

  app.post(url('fetch-all-civitai'), {
    config: { longLived: true },
    schema: { operationId: id('fetchAll', 'Metadata'), tags, summary: `Ask for all ${plural} that nobody has told of yet; answers when the job has ended, which goes on without its caller`, response: answers(FetchedAll, 409, 503) }
  }, async () => await useCases.fetchAllCivitai())

  app.post<{ Body: Record<string, unknown> }>(url('relink-civitai'), {
    schema: {
      operationId: id('relink'),
      tags,
      summary: `Tie one of the ${plural} to a version of a CivitAI model`,
      body: Type.Object({ file_path: FilePath, model_id: given('A whole number'), model_version_id: given('A whole number; the first version when absent') }, open),
      response: answers(success({ message: Type.String(), hash: Type.String({ description: 'SHA-256 of the file, "" while unknown' }) }), 400, 404, 503)
    }
  }, async (request) => ({ success: true, ...await useCases.relinkCivitai(request.body) }))

  app.get<{ Params: { modelId: string }, Querystring: { source?: string | string[] } }>(url('civitai/versions/:modelId'), {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: id('list', 'CivitaiVersions'),
      tags,
      summary: `Versions of a CivitAI model, with the ${plural} of it that are here`,
      params: Type.Object({ modelId: Type.String() }),
      querystring: parameters({ source: query.text('`civarchive` asks only there') }),
      response: answers(Type.Array(LocalVersion), 400, 404, 503)
    }
  }, async ({ params, query: { source } }) => await useCases.listVersions(params.modelId, Array.isArray(source) ? source[0] : source))

  app.get<{ Params: { modelVersionId: string } }>(url('civitai/model/version/:modelVersionId'), {
    schema: { operationId: id('get', 'CivitaiVersion'), tags, summary: 'A version by its id', params: Type.Object({ modelVersionId: Type.String() }), response: answers(Version, 400, 404) }
  }, async ({ params }) => await useCases.getVersion(params.modelVersionId))

  app.get<{ Params: { hash: string } }>(url('civitai/model/hash/:hash'), {
    schema: { operationId: id('get', 'CivitaiVersionByHash'), tags, summary: 'The version that a file belongs to', params: Type.Object({ hash: Type.String({ description: 'SHA-256, AutoV2 or AutoV3' }) }), response: answers(Version, 400, 404) }
  }, async ({ params }) => await useCases.getVersionByHash(params.hash))
}

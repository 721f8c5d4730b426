import type { FastifyPluginAsync } from 'fastify'
import { Type, type TSchema } from '@sinclair/typebox'
import type { Core } from '../../services/core.ts'
import type { ModelType } from '../../services/models/types.ts'
import type { QueryValue } from '../../services/query-values.ts'
import { createUpdateUseCases } from '../../use-cases/updates/index.ts'
import type { OperationNames } from './operation.ts'
import { answers, documentedOnly, parameters, query, success } from './schemas.ts'

const open = { additionalProperties: true }
const given = (description: string) => Type.Optional(Type.Unknown({ description }))
const orNull = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()])

const UpdateVersion = Type.Object({
  versionId: Type.Integer(),
  name: orNull(Type.String()),
  baseModel: orNull(Type.String()),
  releasedAt: orNull(Type.String({ description: 'ISO 8601' })),
  sizeBytes: orNull(Type.Number()),
  previewUrl: orNull(Type.String()),
  isInLibrary: Type.Boolean(),
  hasBeenDownloaded: Type.Boolean({ description: 'Told by `versions` and `ignore-version` only, as are `filePath` and `fileName`' }),
  shouldIgnore: Type.Boolean(),
  earlyAccessEndsAt: orNull(Type.String()),
  isEarlyAccess: Type.Boolean({ description: 'Now' }),
  usageControl: orNull(Type.String({ description: '`Download` or null: can be downloaded' })),
  isPaid: Type.Boolean({ description: 'Bought once and for all' }),
  paidAccess: orNull(Type.Object({ permanent: Type.Boolean(), endsAt: orNull(Type.String()) })),
  filePath: orNull(Type.String()),
  fileName: orNull(Type.String())
}, open)

const UpdateRecord = Type.Object({
  modelType: Type.String(),
  modelId: Type.Integer(),
  largestVersionId: orNull(Type.Integer()),
  versionIds: Type.Array(Type.Integer()),
  inLibraryVersionIds: Type.Array(Type.Integer()),
  lastCheckedAt: orNull(Type.Number({ description: 'Unix seconds; null when CivitAI was never asked' })),
  shouldIgnore: Type.Boolean(),
  hasUpdate: Type.Boolean({ description: 'A version on offer is newer than all that are here' }),
  versions: Type.Array(UpdateVersion)
}, open)

const Checked = Type.Object({
  success: Type.Boolean(),
  records: Type.Optional(Type.Array(UpdateRecord, { description: 'Those that have an update' })),
  status: Type.Optional(Type.Literal('cancelled')),
  message: Type.Optional(Type.String())
}, open)

const recordAnswers = answers(success({ record: UpdateRecord }), 400, 404, 429)
const recordSchema = {
  params: Type.Object({ modelId: Type.String({ description: 'Id of a CivitAI model' }) }),
  querystring: parameters({ refresh: query.text('`1`, `true`, `yes`: asks CivitAI when the record is older than a day'), force: query.text('Asks CivitAI in any case') }),
  response: recordAnswers
}

type Asked = { Params: { modelId: string }, Querystring: { refresh?: QueryValue, force?: QueryValue } }

/** Newer versions of models of one type. */
export const updateRoutes: FastifyPluginAsync<{ names: OperationNames, type: ModelType }> = async (app, { names, type }) => {
  const { tags, id, plural, url } = names
  const useCases = createUpdateUseCases(app.getDecorator<Core>('core'), type, { warn: (message, error) => { app.log.warn({ err: error }, message) } })

  app.post<{ Body: Record<string, unknown>, Querystring: { force?: QueryValue } }>(url('updates/refresh'), {
    config: { longLived: true },
    validatorCompiler: documentedOnly,
    schema: {
      operationId: id('check', 'Updates'),
      tags,
      summary: `Ask CivitAI for newer versions of ${plural}; answers when the job has ended, which goes on without its caller`,
      querystring: parameters({ force: query.text('As in the body') }),
      body: Type.Object({
        force: given('Also those that were asked for within a day, and ignored ones'),
        modelIds: given('CivitAI ids; all models when absent. Also `model_ids`'),
        folder_path: given('Only this folder and what is below it')
      }, open),
      response: answers(Checked, 400, 429)
    }
  }, async (request) => await useCases.checkUpdates(request.body, request.query.force))

  app.post<{ Body: Record<string, unknown> }>(url('updates/fetch-missing-license'), {
    config: { longLived: true },
    schema: {
      operationId: id('fetch', 'MissingLicences'),
      tags,
      summary: `Complete the licence of ${plural} whose sidecar lacks a part of it`,
      body: Type.Object({ modelIds: given('CivitAI ids; all models when absent. Also `model_ids`') }, open),
      response: answers(success({
        updated: Type.Array(Type.Object({ modelId: Type.Integer(), filePath: Type.String() })),
        missingModelIds: Type.Optional(Type.Array(Type.Integer(), { description: 'CivitAI did not answer for them' })),
        errors: Type.Optional(Type.Array(Type.Object({ filePath: Type.String(), error: Type.String() })))
      }), 400, 409, 429)
    }
  }, async (request) => ({ success: true, ...await useCases.fetchMissingLicences(request.body) }))

  app.post<{ Body: Record<string, unknown> }>(url('updates/ignore'), {
    schema: {
      operationId: id('ignore', 'Updates'),
      tags,
      summary: `Hear no more of newer versions of one of the ${plural}, or hear of them again`,
      body: Type.Object({ modelId: given('Id of a CivitAI model'), shouldIgnore: given('`true`, `1`, `yes` or a number that is not 0') }, open),
      response: answers(success({ record: UpdateRecord }), 400)
    }
  }, async (request) => ({ success: true, record: await useCases.ignoreModel(request.body) }))

  app.post<{ Body: Record<string, unknown> }>(url('updates/ignore-version'), {
    schema: {
      operationId: id('ignore', 'Version'),
      tags,
      summary: `The same for one version of one of the ${plural}`,
      body: Type.Object({ modelId: given('Id of a CivitAI model'), versionId: given('Id of one of its versions'), shouldIgnore: given('As above') }, open),
      response: answers(success({ record: UpdateRecord }), 400)
    }
  }, async (request) => ({ success: true, record: await useCases.ignoreVersion(request.body) }))

  app.get<Asked>(url('updates/status/:modelId'), {
    config: { changesState: true },
    validatorCompiler: documentedOnly,
    schema: { operationId: id('get', 'UpdateStatus'), tags, summary: 'What is known of newer versions of a model', ...recordSchema }
  }, async ({ params, query }) => ({ success: true, record: await useCases.getStatus(params.modelId, query) }))

  app.get<Asked>(url('updates/versions/:modelId'), {
    config: { changesState: true },
    validatorCompiler: documentedOnly,
    schema: { operationId: id('get', 'UpdateVersions'), tags, summary: 'The same, with what of each version lies here', ...recordSchema }
  }, async ({ params, query }) => ({ success: true, record: await useCases.getVersions(params.modelId, query) }))
}

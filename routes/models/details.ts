import type { FastifyPluginAsync } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { Core } from '../../services/core.ts'
import { createSharedMetadataUseCases } from '../../use-cases/metadata/index.ts'
import { answers } from './schemas.ts'

const Source = Type.String({ description: '`user`, `sidecar` (found there), `header` of the file, `civitai` or `archive`' })
const Value = Type.Object({ value: Type.Unknown({ description: 'null where it was too long to keep' }), source: Source, at: Type.String({ description: 'ISO 8601 UTC, "" when not known' }) })
const Ref = {
  id: Type.String({ description: 'Stays when the file moves' }),
  model_type: Type.String(),
  file_path: Type.String(),
  file_name: Type.String(),
  model_name: Type.String(),
  sha256: Type.String({ description: '"" while unknown' })
}
const Detail = Type.Object({
  ...Ref,
  excluded: Type.Boolean(),
  identity: Type.Union([Type.Literal('confirmed'), Type.Literal('unconfirmed'), Type.Null()], { description: '`unconfirmed`: by the header alone, while the file has no hash' }),
  online: Type.Boolean(),
  preview_url: Type.String(),
  entry: Type.Object({}, { additionalProperties: true, description: 'What the index holds of it' }),
  sidecar: Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], { description: 'As it stands on the disk' })
})
const tags = ['models']
const { 200: _ok, ...failures } = answers(Type.Object({}), 400)
const ById = Type.Object({ id: Type.String() })

/** Single models by ids that stay, whatever their type. */
export const detailRoutes: FastifyPluginAsync = async (app) => {
  const useCases = createSharedMetadataUseCases(app.getDecorator<Core>('core'))

  app.get<{ Querystring: { file_path?: string, sha256?: string, model_type?: string } }>('/api/v1/models', {
    schema: {
      operationId: 'findModels',
      tags,
      summary: 'Find models, and their ids, by path or hash; at most 100',
      querystring: Type.Object({
        file_path: Type.Optional(Type.String({ description: 'As the lists give it' })),
        sha256: Type.Optional(Type.String({ description: 'SHA-256, AutoV2 or AutoV3' })),
        model_type: Type.Optional(Type.String({ description: '`lora`, `checkpoint` or `embedding`' }))
      }),
      response: answers(Type.Object({ items: Type.Array(Type.Object(Ref)) }), 400)
    }
  }, async (request) => ({ items: useCases.findModels(request.query) }))

  app.get<{ Params: { id: string } }>('/api/v1/models/:id', {
    schema: { operationId: 'getModel', tags, summary: 'Everything known of one model', params: ById, response: answers(Detail, 404) }
  }, async ({ params }) => useCases.getModel(params.id))

  app.get<{ Params: { id: string } }>('/api/v1/models/:id/provenance', {
    schema: {
      operationId: 'getModelProvenance',
      tags,
      summary: 'Where each value of a model comes from, and what it was before, newest first',
      params: ById,
      response: answers(Type.Object({ id: Type.String(), fields: Type.Array(Type.Object({ field: Type.String(), ...Value.properties, earlier: Type.Array(Value) })) }), 404)
    }
  }, async ({ params }) => useCases.getProvenance(params.id))

  app.post<{ Body: { model_types?: unknown } }>('/api/v1/models/identify', {
    schema: {
      operationId: 'identifyModels',
      tags,
      summary: 'Find out what the files of the whole library are, as a job; joins the running one',
      body: Type.Object({ model_types: Type.Optional(Type.Unknown({ description: 'Only these: `lora`, `checkpoint`, `embedding`' })) }, { additionalProperties: true }),
      response: { ...failures, 202: Type.Object({ job: Type.Object({ id: Type.String() }, { additionalProperties: true, description: 'As in `/api/v1/jobs`' }) }) }
    }
  }, async (request, reply) => await reply.code(202).send({ job: useCases.identify(request.body) }))
}

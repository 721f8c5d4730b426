import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import type { OperationNames } from './operation.ts'
import { answers, documentedOnly, parameters, query, success } from './schemas.ts'

const Outcome = success({ status: Type.Union([Type.Literal('success'), Type.Literal('cancelled')]), message: Type.String() })

export function registerScans (app: FastifyInstance, { tags, id, plural, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.get<{ Querystring: RawQuery }>(url('scan'), {
    config: { changesState: true },
    validatorCompiler: documentedOnly,
    schema: { operationId: id('scan'), tags, summary: `Compare the index of ${plural} with the disk, or join the comparison under way`, querystring: parameters({ full_rebuild: query.flag('Read every file anew') }), response: answers(Outcome) }
  }, async (request) => ({ success: true, ...await useCases.scanModels({ full: request.query.full_rebuild }) }))

  for (const method of ['GET', 'POST'] as const) {
    app.route<{ Querystring: RawQuery }>({
      method,
      url: url('reload'),
      config: { changesState: true },
      validatorCompiler: documentedOnly,
      schema: { operationId: id(method === 'GET' ? 'reload' : 'requestReload'), tags, summary: `As scan; \`rebuild=true\` reads all ${plural} anew`, querystring: parameters({ rebuild: query.flag('Read every file anew') }), response: answers(Outcome) },
      handler: async (request) => ({ success: true, ...await useCases.scanModels({ full: request.query.rebuild }) })
    })
  }

  app.post(url('cancel-task'), {
    schema: { operationId: id('cancel', 'Task'), tags, summary: `Stop what runs for ${plural} (scan, hashing)`, response: answers(success({ status: Type.Literal('success'), message: Type.String() })) }
  }, async () => ({ success: true, ...useCases.cancelTask() }))
}

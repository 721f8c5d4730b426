import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import type { OperationNames } from './operation.ts'
import { DuplicateParameters, Groups, ListEnvelope, ListParameters, answers, documentedOnly, success } from './schemas.ts'
import { Type } from '@sinclair/typebox'

/** Bodies that the index has ready are sent as they are. */
export function sendJson (reply: FastifyReply, body: Buffer): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(body)
}

export function registerListing (app: FastifyInstance, { tags, id, plural, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.get<{ Querystring: RawQuery }>(url('list'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('list'), tags, summary: `One page of the ${plural} that pass the filters`, querystring: ListParameters, response: answers(ListEnvelope, 400) }
  }, (request, reply) => sendJson(reply, useCases.listModels(request.query, request.url)))

  app.get<{ Querystring: RawQuery }>(url('excluded'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('list', 'Excluded'), tags, summary: `One page of the ${plural} that the user took out of the lists`, querystring: ListParameters, response: answers(ListEnvelope, 400) }
  }, (request, reply) => sendJson(reply, useCases.listExcludedModels(request.query, request.url)))

  app.get<{ Querystring: RawQuery }>(url('find-duplicates'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('find', 'Duplicates'), tags, summary: `Groups of ${plural} with the same content`, querystring: DuplicateParameters, response: answers(success({ duplicates: Groups('hash'), count: Type.Integer() })) }
  }, (request, reply) => sendJson(reply, useCases.findDuplicates(request.query)))

  app.get(url('find-filename-conflicts'), {
    schema: { operationId: id('find', 'FilenameConflicts'), tags, summary: `Groups of ${plural} with the same file name`, response: answers(success({ conflicts: Groups('filename'), count: Type.Integer() })) }
  }, (_request, reply) => sendJson(reply, useCases.findFilenameConflicts()))
}

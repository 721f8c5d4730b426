import type { FastifyInstance } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import type { OperationNames } from './operation.ts'
import { Texts, answers, documentedOnly, parameters, query, success } from './schemas.ts'

const Body = Type.Object({
  file_paths: Type.Optional(Type.Union([Texts, Type.Null()], { description: 'Only these; an empty list is nothing to do' })),
  exclusion_patterns: Type.Optional(Type.Union([Type.String(), Texts, Type.Null()], { description: 'Shell globs of what stays, as a list or with commas, semicolons or lines between them' })),
  dry_run: Type.Optional(Type.Boolean({ description: 'Answer the plan (`plan`), move nothing' }))
}, { additionalProperties: true })

const Organized = success({
  status: Type.Optional(Type.Union([Type.Literal('success'), Type.Literal('cancelled')])),
  message: Type.Optional(Type.String()),
  summary: Type.Optional(Type.Object({
    total: Type.Integer(),
    success: Type.Integer(),
    skipped: Type.Integer(),
    failures: Type.Integer(),
    organization_type: Type.String(),
    cleaned_dirs: Type.Record(Type.String(), Type.Integer()),
    operation_type: Type.String()
  })),
  dry_run: Type.Optional(Type.Boolean()),
  plan: Type.Optional(Type.Unknown())
})

/** Models sorted into the folders of the path templates. */
export function registerOrganize (app: FastifyInstance, { tags, id, plural, url }: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')

  app.get<{ Querystring: RawQuery }>(url('auto-organize'), {
    config: { changesState: true },
    validatorCompiler: documentedOnly,
    schema: { operationId: id('organizeAll'), tags, summary: `Sort all ${plural} by the path template; use POST, this is kept for older clients`, querystring: parameters({ dry_run: query.flag('Answer the plan, move nothing') }), response: answers(Organized, 409) }
  }, async (request) => ({ success: true, ...await useCases.organizeModels({ dry_run: request.query.dry_run }) }))

  app.post<{ Body: Static<typeof Body> }>(url('auto-organize'), {
    schema: { operationId: id('organize'), tags, summary: `Sort ${plural} by the path template and wait for the end`, body: Body, response: answers(Organized, 400, 409) }
  }, async (request) => ({ success: true, ...await useCases.organizeModels(request.body) }))

  app.get(url('auto-organize-progress'), {
    schema: { operationId: id('get', 'OrganizeProgress'), tags, summary: 'The last frame of the last run, of whatever type', response: answers(success({ progress: Type.Object({}, { additionalProperties: true }) }), 404) }
  }, async () => ({ success: true, progress: useCases.getOrganizeProgress() }))
}

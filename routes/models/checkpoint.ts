import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import type { OperationNames } from './operation.ts'
import { registerInfo } from './info.ts'
import { Texts, answers, documentedOnly, parameters, query, success } from './schemas.ts'

/** Routes that only checkpoints have. */
export function registerCheckpointRoutes (app: FastifyInstance, names: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')
  const { tags, url } = names
  registerInfo(app, names)

  app.get(url('checkpoints_roots'), {
    schema: { operationId: 'listCheckpointRoots', tags, summary: 'Folders of checkpoints', response: answers(success({ roots: Texts })) }
  }, async () => ({ success: true, roots: useCases.listRootsOf('checkpoints') }))

  app.get(url('unet_roots'), {
    schema: { operationId: 'listDiffusionModelRoots', tags, summary: 'Folders of diffusion models', response: answers(success({ roots: Texts })) }
  }, async () => ({ success: true, roots: useCases.listRootsOf('unet') }))

  app.get<{ Querystring: RawQuery }>(url('loader-pool'), {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'listLoaderPool',
      tags,
      summary: 'Checkpoints that a loader can take now',
      querystring: parameters({ sub_type: query.text('`checkpoint` (default) or `diffusion_model`') }),
      response: answers(success({ items: Type.Array(Type.Object({ name: Type.String({ description: 'Path below the root, with extension' }), base_model: Type.String() })) }), 400)
    }
  }, async (request) => ({ success: true, items: useCases.listLoaderPool(request.query) }))
}

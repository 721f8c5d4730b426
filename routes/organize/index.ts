import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { createOrganizeUseCases } from '../../use-cases/organize/index.ts'
import { applySchema, getSchema, makeSchema, PlanSchema } from './schemas.ts'

/** Where models belong by the templates: as a plan to look at, then as a job. */
const organizeRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const organize = createOrganizeUseCases(app.getDecorator<Core>('core'))
  app.addSchema(PlanSchema)

  app.post('/api/v1/organize/plans', { schema: makeSchema }, async (request) => await organize.makePlan(request.body))
  app.get('/api/v1/organize/plans/:id', { schema: getSchema }, async (request) => organize.getPlan(request.params.id))
  app.post('/api/v1/organize/plans/:id/apply', { schema: applySchema }, async (request, reply) => {
    return await reply.code(202).send({ job: await organize.applyPlan(request.params.id) })
  })
}

export default organizeRoutes

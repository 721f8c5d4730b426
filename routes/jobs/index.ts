import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Core } from '../../services/core.ts'
import { createJobUseCases } from '../../use-cases/jobs/index.ts'
import { changeSchema, JobSchema, listSchema, oneSchema, pruneSchema, retrySchema } from './schemas.ts'

/** Everything longer than a second, as a list to look at and to steer. */
const jobRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const jobs = createJobUseCases(app.getDecorator<Core>('core'))
  app.addSchema(JobSchema)

  app.get('/api/v1/jobs', { schema: listSchema }, async (request) => jobs.listJobs(request.query))
  app.get('/api/v1/jobs/:id', { schema: oneSchema }, async (request) => jobs.getJob(request.params.id))
  app.post('/api/v1/jobs/:id/pause', { schema: changeSchema('pauseJob', 'Pause a job') }, async (request) => jobs.pauseJob(request.params.id))
  app.post('/api/v1/jobs/:id/resume', { schema: changeSchema('resumeJob', 'Go on with a paused job') }, async (request) => jobs.resumeJob(request.params.id))
  app.post('/api/v1/jobs/:id/cancel', { schema: changeSchema('cancelJob', 'Cancel a job; it ends within a second') }, async (request) => jobs.cancelJob(request.params.id))
  app.post('/api/v1/jobs/:id/retry-failed', { schema: retrySchema }, async (request, reply) => {
    return await reply.code(202).send({ job: jobs.retryFailed(request.params.id) })
  })
  app.delete('/api/v1/jobs', { schema: pruneSchema }, async () => ({ success: true as const, deleted: jobs.pruneJobs() }))
}

export default jobRoutes

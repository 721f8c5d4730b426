import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Core } from '../../services/core.ts'
import { createPresenceUseCases, type PresenceUseCases } from '../../use-cases/presence/index.ts'
import { CheckManyParameters, CheckParameters, Checked, CheckedMany, DeletedVersion, ModelParameters, SetStatusBody, SetStatusParameters, Status, StatusParameters, UserModels, UserParameters, VersionParameters, VersionStates, answers, documentedOnly, tags } from './schemas.ts'

type Query = Record<string, string | string[] | undefined>

/** What extensions of browsers ask while a page of CivitAI is open. */
const presenceRoutes: FastifyPluginAsync = async (app) => {
  app.decorate('useCases', createPresenceUseCases(app.getDecorator<Core>('core')))
  registerQuestions(app)
  registerChanges(app)
}

export default presenceRoutes

function registerQuestions (app: FastifyInstance): void {
  const useCases = app.getDecorator<PresenceUseCases>('useCases')

  app.get<{ Querystring: Query }>('/api/lm/check-model-exists', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'checkModel', tags, summary: 'Whether a version, or which versions of a model, are in the library', querystring: CheckParameters, response: answers(Checked, 400) }
  }, async (request) => ({ success: true, ...useCases.checkModel(firstValues(request.query)) }))

  app.get<{ Querystring: Query }>('/api/lm/check-models-exist', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'checkModels', tags, summary: 'Which versions of several models are in the library', querystring: CheckManyParameters, response: answers(CheckedMany) }
  }, async (request) => ({ success: true, ...useCases.checkModels(firstValues(request.query)) }))

  app.get<{ Querystring: Query }>('/api/lm/model-version-download-status', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'getVersionDownloadStatus', tags, summary: 'Whether a version was ever downloaded', querystring: StatusParameters, response: answers(Status, 400) }
  }, async (request) => ({ success: true, ...useCases.getDownloadStatus(firstValues(request.query)) }))

  app.get<{ Querystring: Query }>('/api/lm/model-versions-status', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listVersionStates', tags, summary: 'All versions of a model as its provider lists them, and which of them are or were here', querystring: ModelParameters, response: answers(VersionStates, 400, 404) }
  }, async (request) => ({ success: true, ...await useCases.listVersionStates(firstValues(request.query)) }))

  app.get<{ Querystring: Query }>('/api/lm/civitai/user-models', {
    validatorCompiler: documentedOnly,
    schema: { operationId: 'listUserModels', tags, summary: 'What a creator has published, a page at a time, and what of it is or was here', querystring: UserParameters, response: answers(UserModels, 400, 502) }
  }, async (request) => ({ success: true, ...await useCases.listUserModels(firstValues(request.query)) }))
}

/** Extensions change by GET; POST is as good. */
function registerChanges (app: FastifyInstance): void {
  const useCases = app.getDecorator<PresenceUseCases>('useCases')

  for (const method of ['GET', 'POST'] as const) {
    const suffix = method === 'GET' ? 'ByGet' : ''
    app.route<{ Querystring: Query, Body: Record<string, unknown> | undefined }>({
      method,
      url: '/api/lm/set-model-version-download-status',
      config: { changesState: true },
      validatorCompiler: documentedOnly,
      schema: {
        operationId: `setVersionDownloadStatus${suffix}`,
        tags,
        summary: 'Say that a version was downloaded, or that it is not to count as such',
        querystring: SetStatusParameters,
        ...(method === 'POST' && { body: SetStatusBody }),
        response: answers(Status, 400)
      },
      handler: async (request) => ({ success: true, ...useCases.setDownloadStatus({ ...request.body, ...firstValues(request.query) }) })
    })

    app.route<{ Querystring: Query, Body: Record<string, unknown> | undefined }>({
      method,
      url: '/api/lm/delete-model-version',
      config: { changesState: true },
      validatorCompiler: documentedOnly,
      schema: { operationId: `deleteVersion${suffix}`, tags, summary: 'Take every local file of a version to the trash', querystring: VersionParameters, response: answers(DeletedVersion, 400, 404, 409, 507) },
      handler: async (request) => ({ success: true, ...await useCases.deleteVersion({ ...request.body, ...firstValues(request.query) }) })
    })
  }
}

function firstValues (query: Query): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()[0]]))
}

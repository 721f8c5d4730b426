import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { DownloadUseCases } from '../../use-cases/downloads/index.ts'
import { DownloadBody, DownloadOutcome, answers, documentedOnly, downloadParameters, firstValues, idParameter, longLived, nullable, open, tags, type Query } from './schemas.ts'

type Body = Record<string, unknown>

const Control = open({ success: Type.Boolean(), message: Type.Optional(Type.String()), error: Type.Optional(Type.String()) })
const Progress = open({
  success: Type.Literal(true),
  progress: Type.Integer(),
  bytes_downloaded: nullable(Type.Integer()),
  total_bytes: nullable(Type.Integer()),
  bytes_per_second: Type.Number(),
  status: Type.Optional(Type.String({ description: 'Absent while it is just getting on' })),
  message: Type.Optional(Type.String())
})

/** Downloads as existing clients ask for them: the request stays open until the end. */
export function registerLegacyDownloads (app: FastifyInstance): void {
  const useCases = app.getDecorator<DownloadUseCases>('useCases')

  app.post<{ Body: Body }>('/api/lm/download-model', {
    config: longLived,
    validatorCompiler: documentedOnly,
    schema: { operationId: 'downloadModel', tags, summary: 'Download a version of a model and wait for the end', body: DownloadBody, response: answers(DownloadOutcome, 400, 401) }
  }, async (request) => await useCases.downloadModel(useCases.readDownloadRequest(request.body)))

  app.get<{ Querystring: Query }>('/api/lm/download-model-get', {
    config: { ...longLived, changesState: true },
    validatorCompiler: documentedOnly,
    schema: { operationId: 'downloadModelByGet', tags, summary: 'As download-model, for clients that can only GET', querystring: downloadParameters, response: answers(DownloadOutcome, 400, 401) }
  }, async (request) => await useCases.downloadModel(useCases.readDownloadRequest(firstValues(request.query))))

  app.get<{ Params: { download_id: string } }>('/api/lm/download-progress/:download_id', {
    schema: { operationId: 'getDownloadProgress', tags, summary: 'The last frame of a download', params: Type.Object({ download_id: Type.String() }), response: answers(Progress, 400, 404) }
  }, async (request) => useCases.getProgress(request.params.download_id))

  const controls = [
    ['cancel-download-get', 'cancelDownload', 'Stop a download and remove what was loaded', useCases.cancelDownload],
    ['skip-download', 'skipDownload', 'Stop a download and keep what was loaded', useCases.skipDownload],
    ['pause-download', 'pauseDownload', 'Stop reading; the connection is kept a while', useCases.pauseDownload],
    ['resume-download', 'resumeDownload', 'Go on with a paused download', useCases.resumeDownload]
  ] as const
  for (const [path, operationId, summary, run] of controls) {
    for (const method of ['GET', 'POST'] as const) {
      app.route<{ Querystring: Query, Body: Body }>({
        method,
        url: `/api/lm/${path}`,
        config: { changesState: true },
        validatorCompiler: documentedOnly,
        schema: { operationId: method === 'GET' ? operationId : `${operationId}ByPost`, tags, summary, querystring: idParameter, response: answers(Control, 400) },
        handler: async (request) => await run(firstValues(request.query).download_id ?? request.body?.download_id)
      })
    }
  }
}

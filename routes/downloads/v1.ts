import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { DownloadState } from '../../services/downloads/types.ts'
import type { DownloadUseCases } from '../../use-cases/downloads/index.ts'
import { DownloadBody, documentedOnly, failure, nullable, open, tags } from './schemas.ts'

const download = { $ref: 'Download#' }
const params = Type.Object({ id: Type.String() })
const StartedJob = open({ id: Type.String(), kind: Type.String(), title: Type.String(), state: Type.String() })
const states = ['queued', 'running', 'paused', 'succeeded', 'skipped', 'failed', 'cancelled'] as const

/** The queue that our worker runs, and the verification of what is there. */
export function registerDownloadsV1 (app: FastifyInstance): void {
  const useCases = app.getDecorator<DownloadUseCases>('useCases')

  app.get<{ Querystring: { limit?: number, after?: string, state?: DownloadState } }>('/api/v1/downloads', {
    schema: {
      operationId: 'listDownloads',
      tags,
      summary: 'Downloads, newest first: those of our queue, and those that clients started',
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ description: 'Clamped to 1–200' })),
        after: Type.Optional(Type.String({ description: '`next` of the page before' })),
        state: Type.Optional(Type.Union(states.map((state) => Type.Literal(state))))
      }),
      response: { 200: { type: 'object', properties: { items: { type: 'array', items: download }, next: nullable(Type.String()) }, required: ['items', 'next'] }, 400: failure }
    }
  }, async (request) => useCases.listDownloads(request.query))

  app.get<{ Params: { id: string } }>('/api/v1/downloads/:id', {
    schema: { operationId: 'getDownload', tags, summary: 'One download', params, response: { 200: download, 404: failure } }
  }, async (request) => useCases.getDownload(request.params.id))

  app.post<{ Body: Record<string, unknown> }>('/api/v1/downloads', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'queueDownloads',
      tags,
      summary: 'Put a download, or several under `items`, into the queue; without model_root they go where the templates say',
      body: open({ items: Type.Optional(Type.Array(DownloadBody)), replaces: Type.Optional(Type.String({ description: 'A damaged model whose place the file takes' })) }),
      response: { 202: { type: 'object', properties: { downloads: { type: 'array', items: download } }, required: ['downloads'] }, 400: failure, 503: failure }
    }
  }, async (request, reply) => await reply.code(202).send({ downloads: useCases.queueDownloads(request.body) }))

  const changes = [
    ['pause', 'pauseQueuedDownload', 'Pause a download', useCases.pauseQueued],
    ['resume', 'resumeQueuedDownload', 'Go on with a paused download', useCases.resumeQueued],
    ['cancel', 'cancelQueuedDownload', 'Cancel a download and remove what was loaded', useCases.cancelQueued],
    ['retry', 'retryQueuedDownload', 'Put a download that failed, was skipped or cancelled into the queue again', useCases.retryQueued]
  ] as const
  for (const [word, operationId, summary, run] of changes) {
    app.post<{ Params: { id: string } }>(`/api/v1/downloads/:id/${word}`, {
      schema: { operationId, tags, summary, params, response: { 200: download, 404: failure, 409: failure } }
    }, async (request) => await run(request.params.id))
  }

  app.post<{ Body: Record<string, unknown> }>('/api/v1/verify', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'verifyLibrary',
      tags: ['library'],
      summary: 'Hash the library again and compare; the result of the job lists what went bad and how to fetch it again',
      body: open({ model_types: Type.Optional(Type.Array(Type.String())), file_paths: Type.Optional(Type.Array(Type.String())) }),
      response: { 202: { type: 'object', properties: { job: StartedJob }, required: ['job'] }, 400: failure }
    }
  }, async (request, reply) => await reply.code(202).send({ job: useCases.verifyLibrary(request.body) }))
}

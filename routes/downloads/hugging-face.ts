import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { DownloadUseCases } from '../../use-cases/downloads/index.ts'
import { answers, documentedOnly, firstValues, longLived, nullable, open, type Query } from './schemas.ts'

const tags = ['hugging-face']
const given = (description: string) => Type.Optional(Type.Unknown({ description }))

/** Files of repositories, and models that come from one. */
export function registerHuggingFace (app: FastifyInstance): void {
  const useCases = app.getDecorator<DownloadUseCases>('useCases')

  app.get<{ Querystring: Query }>('/api/lm/hf-repo-files', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'listRepositoryFiles',
      tags,
      summary: 'Weight files of a repository, largest first',
      querystring: open({ repo: Type.Optional(Type.String({ description: '`user/name`' })), revision: Type.Optional(Type.String()) }),
      response: { ...answers(Type.Array(Type.Object({ filename: Type.String(), size: Type.Integer() })), 400, 401, 404), 502: { $ref: 'Failure#' } }
    }
  }, async (request) => {
    const { repo = '', revision = '' } = firstValues(request.query)
    return await useCases.listRepositoryFiles(repo, revision)
  })

  app.post<{ Body: Record<string, unknown> }>('/api/lm/download-hf-model', {
    config: longLived,
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'downloadRepositoryFile',
      tags,
      summary: 'Download a file of a repository and wait for the end',
      body: open({ repo: Type.Optional(Type.String()), filename: Type.Optional(Type.String()), revision: Type.Optional(Type.String()), model_root: Type.Optional(Type.String()) }),
      response: answers(open({ success: Type.Boolean(), message: Type.String(), path: nullable(Type.String()) }), 400, 401)
    }
  }, async (request) => await useCases.downloadRepositoryFile(useCases.readHuggingFaceRequest(request.body)))

  app.post<{ Body: Record<string, unknown> }>('/api/lm/set-hf-url', {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: 'setHuggingFaceUrl',
      tags,
      summary: 'Tie a model to a repository',
      body: open({ file_path: given('Absolute path of the model as the lists give it'), hf_url: given('`https://huggingface.co/user/repo`') }),
      response: answers(open({ success: Type.Literal(true), message: Type.String(), hf_url: Type.String() }), 400, 404, 409)
    }
  }, async (request) => ({ success: true, ...await useCases.setHfUrl(request.body) }))
}

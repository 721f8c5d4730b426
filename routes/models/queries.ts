import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { ModelUseCases } from '../../use-cases/models/index.ts'
import type { RawQuery } from '../../use-cases/models/parse-list-query.ts'
import type { OperationNames } from './operation.ts'
import { Counted, FolderTree, PathParameters, Texts, answers, documentedOnly, filePathParameter, nameParameter, parameters, query, success } from './schemas.ts'

type Query = { Querystring: RawQuery }

function registerFacets (app: FastifyInstance, useCases: ModelUseCases, { tags, id, plural, url }: OperationNames): void {
  const limit = query.count('0 means all', 20)

  app.get<Query>(url('top-tags'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('top', 'Tags'), tags, summary: `Most frequent tags of ${plural}`, querystring: parameters({ limit }), response: answers(success({ tags: Counted('tag') }), 400) }
  }, async (request) => ({ success: true, tags: useCases.topTags(request.query) }))

  app.get<Query>(url('search-tags'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('search', 'Tags'), tags, summary: `Tags of ${plural} that contain a text`, querystring: parameters({ q: query.text('Part of the tag'), limit }), response: answers(success({ tags: Counted('tag') }), 400) }
  }, async (request) => ({ success: true, tags: useCases.searchTags(request.query) }))

  app.get<Query>(url('base-models'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('count', 'BaseModels'), tags, summary: `Base models of ${plural} with their numbers`, querystring: parameters({ limit }), response: answers(success({ base_models: Counted('name') }), 400) }
  }, async (request) => ({ success: true, base_models: useCases.countBaseModels(request.query) }))

  app.get<Query>(url('model-types'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('count', 'Types'), tags, summary: `Sub-types of ${plural} with their numbers`, querystring: parameters({ limit: query.count('At most 100', 20) }), response: answers(success({ model_types: Counted('type') }), 400) }
  }, async (request) => ({ success: true, model_types: useCases.countModelTypes(request.query) }))
}

function registerFolders (app: FastifyInstance, useCases: ModelUseCases, { tags, id, plural, url }: OperationNames): void {
  app.get(url('roots'), {
    schema: { operationId: id('list', 'Roots'), tags, summary: `Folders that are searched for ${plural}`, response: answers(success({ roots: Texts })) }
  }, async () => ({ success: true, roots: useCases.listRoots() }))

  app.get(url('folders'), {
    schema: { operationId: id('list', 'Folders'), tags, summary: `Folders below the roots that hold ${plural}`, response: answers(success({ folders: Texts })) }
  }, async () => ({ success: true, folders: useCases.listFolders() }))

  app.get<Query>(url('folder-tree'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('get', 'FolderTree'), tags, summary: 'Folders below one root, nested', querystring: parameters({ model_root: Type.String({ description: 'Path of the root' }) }), response: answers(success({ tree: FolderTree }), 400) }
  }, async (request) => ({ success: true, tree: useCases.getFolderTree(request.query) }))

  app.get(url('unified-folder-tree'), {
    schema: { operationId: id('get', 'UnifiedFolderTree'), tags, summary: 'Folders below all roots, nested', response: answers(success({ tree: FolderTree })) }
  }, async () => ({ success: true, tree: useCases.getUnifiedFolderTree() }))

  app.get<Query>(url('relative-paths'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('suggest', 'Paths'), tags, summary: `Paths of ${plural} below their roots, for autocompletion`, querystring: PathParameters, response: answers(success({ relative_paths: Texts }), 400) }
  }, async (request) => ({ success: true, relative_paths: useCases.suggestPaths(request.query) }))
}

function registerDetails (app: FastifyInstance, useCases: ModelUseCases, { tags, id, url }: OperationNames): void {
  app.get<Query>(url('get-notes'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('get', 'Notes'), tags, summary: 'Notes of a model', querystring: nameParameter, response: answers(success({ notes: Type.String(), file_path: Type.String() }), 400, 404) }
  }, async (request) => ({ success: true, ...useCases.getNotes(request.query) }))

  app.get<Query>(url('preview-url'), {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: id('get', 'PreviewUrl'),
      tags,
      summary: 'Address of the preview of a model',
      querystring: parameters({ name: Type.String(), license_flags: query.text('`1`, `true`, `yes` or `on`: licence facts too') }),
      response: answers(success({ preview_url: Type.String(), license_flags: Type.Optional(Type.Integer()), use_new_license_icons: Type.Optional(Type.Boolean()) }), 400)
    }
  }, async (request) => ({ success: true, ...useCases.getPreviewUrl(request.query) }))

  app.get<Query>(url('civitai-url'), {
    validatorCompiler: documentedOnly,
    schema: {
      operationId: id('get', 'CivitaiUrl'),
      tags,
      summary: 'Page of a model on CivitAI',
      querystring: nameParameter,
      response: answers(success({ civitai_url: Type.String(), model_id: Type.String(), version_id: Type.Union([Type.String(), Type.Null()]) }), 400, 404)
    }
  }, async (request) => ({ success: true, ...useCases.getCivitaiUrl(request.query) }))

  app.get<Query>(url('metadata'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('get', 'Metadata'), tags, summary: 'CivitAI facts of a model', querystring: filePathParameter, response: answers(success({ metadata: Type.Object({}, { additionalProperties: true }) }), 400, 404) }
  }, async (request) => ({ success: true, metadata: await useCases.getMetadata(request.query) }))

  app.get<Query>(url('model-description'), {
    validatorCompiler: documentedOnly,
    schema: { operationId: id('get', 'Description'), tags, summary: 'Description of a model (HTML)', querystring: filePathParameter, response: answers(success({ description: Type.String() }), 400, 404) }
  }, async (request) => ({ success: true, description: useCases.getModelDescription(request.query) }))
}

export function registerQueries (app: FastifyInstance, names: OperationNames): void {
  const useCases = app.getDecorator<ModelUseCases>('useCases')
  registerFacets(app, useCases, names)
  registerFolders(app, useCases, names)
  registerDetails(app, useCases, names)
}

import type { Catalogue, CatalogueModel, CatalogueVersion } from './catalogue.ts'
import type { ApiAnswer } from './civitai-api.ts'
import { imageDocument, type Origins } from './documents.ts'
import type { SeenRequest } from './faults.ts'

const missing: ApiAnswer = { status: 404, body: { error: 'Not found' } }

/** The archive of what CivitAI no longer has. */
export function answerCivarchive ({ path, query }: SeenRequest, catalogue: Catalogue, origins: Origins): ApiAnswer {
  const [, sha256] = /^\/api\/sha256\/([0-9a-f]{64})$/.exec(path) ?? []
  const [, modelId] = /^\/api\/models\/(\d+)$/.exec(path) ?? []
  const versionId = query.get('modelVersionId')
  const model = modelId === undefined ? undefined : catalogue.models.get(Number(modelId))
  const found = sha256 !== undefined ? catalogue.byHash(sha256) : versionId !== null ? catalogue.version(Number(versionId)) : model?.versions[0] && { model, version: model.versions[0] }
  return found?.model.inCivarchive ? { status: 200, body: archived(found.model, found.version, origins) } : missing
}

function archived (model: CatalogueModel, version: CatalogueVersion, origins: Origins) {
  return {
    data: {
      id: model.id,
      name: model.name,
      type: model.type,
      description: model.description,
      tags: model.tags,
      creator_username: model.creator,
      deletedAt: '2025-01-01T00:00:00Z',
      versions: model.versions.map(({ id, name }) => ({ id, name })),
      version: {
        id: version.id,
        modelId: model.id,
        name: version.name,
        baseModel: version.baseModel,
        trigger: version.trainedWords,
        nsfw_level: 1,
        downloadCount: 7,
        images: version.images.map((image) => imageDocument(image, origins)),
        files: version.files.map(({ id, name, size, sha256 }) => ({
          id,
          name,
          sizeKB: size / 1024,
          type: 'Model',
          sha256,
          mirrors: [
            { filename: name, url: `${origins.storage}/gone/${id}`, source: 'gone', deletedAt: '2025-01-01T00:00:00Z' },
            { filename: name, url: `${origins.storage}/files/${id}/${encodeURIComponent(name)}`, source: 'mirror', deletedAt: null }
          ]
        }))
      }
    }
  }
}

export interface Repository { files: { path: string, fileId: number, size: number, sha256: string, lfs: boolean }[], gated: boolean }

/** Lists of repositories, and addresses that lead to the storage host. */
export function answerHuggingFace ({ path, headers, query }: SeenRequest, repositories: ReadonlyMap<string, Repository>, origins: Origins): ApiAnswer {
  const [, listed] = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/main$/.exec(path) ?? []
  const [, from, name] = /^\/([^/]+\/[^/]+)\/resolve\/main\/(.+)$/.exec(path) ?? []
  const repository = repositories.get(listed ?? from ?? '')
  if (!repository) return { status: 404, body: { error: 'Repository not found' } }
  if (repository.gated && headers.authorization === undefined) return { status: 401, body: { error: 'Access to this repository is restricted' } }
  if (listed !== undefined) {
    const shown = repository.files.filter((file) => query.get('recursive') === 'true' || !file.path.includes('/'))
    return { status: 200, body: shown.map(({ path: file, size, sha256, lfs }) => ({ type: 'file', path: file, size, oid: 'f'.repeat(40), ...(lfs && { lfs: { oid: sha256, size, pointerSize: 135 } }) })) }
  }
  const file = repository.files.find((one) => one.path === decodeURIComponent(name ?? ''))
  return file ? { status: 302, body: {}, headers: { location: `${origins.storage}/files/${file.fileId}/${encodeURIComponent(file.path)}?signature=canary-signature` } } : missing
}

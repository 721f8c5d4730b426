import type { Catalogue, CatalogueModel } from './catalogue.ts'
import { imageDocument, modelDocument, versionDocument, type Origins } from './documents.ts'
import type { SeenRequest } from './faults.ts'
import { pictureDocument, type Picture } from './pictures.ts'

export interface ApiAnswer { status: number, body: unknown, headers?: Record<string, string> }

export interface ApiOptions { catalogue: Catalogue, pictures: ReadonlyMap<number, Picture>, origins: () => Origins, apiKey: () => string | null }

const notFound = (message: string): ApiAnswer => ({ status: 404, body: { error: message } })
const ok = (body: unknown): ApiAnswer => ({ status: 200, body })

/** The answers of CivitAI's JSON API and its download addresses. */
export function answerCivitai (request: SeenRequest, options: ApiOptions): ApiAnswer {
  const { catalogue, pictures, origins, apiKey } = options
  const key = /^Bearer (.+)$/.exec(String(request.headers.authorization ?? ''))?.[1]
  if (key !== undefined && key !== apiKey()) return { status: 401, body: { error: 'Unauthorized' } }
  const [, id] = /^\/api\/download\/models\/(\d+)$/.exec(request.path) ?? []
  if (id !== undefined) return download(request, Number(id), key !== undefined, options)
  const path = request.path.replace(/^\/api\/v1/, '')
  const there = [...catalogue.models.values()].filter(({ inCivitai }) => inCivitai)

  if (path === '/models') return listModels(request.query, there, origins())
  if (path === '/model-versions/by-hash' || path === '/model-versions/by-hash/ids') return byHashes(request, path.endsWith('/ids'), catalogue, origins())
  const picture = path === '/images' ? pictures.get(Number(request.query.get('imageId'))) : undefined
  if (picture) return ok({ items: [pictureDocument(picture, origins())], metadata: {} })
  if (path === '/images') return images(request.query, there, origins())
  if (path === '/enums') return ok({ ModelType: ['Checkpoint', 'LORA', 'TextualInversion'], ActiveBaseModel: ['Flux.1 D', 'SDXL 1.0', 'Brand New 1'], BaseModel: ['SD 1.5', 'SDXL 1.0', 'Flux.1 D', 'Brand New 1'] })
  if (path === '/tags') return ok({ items: [...new Set(there.flatMap(({ tags }) => tags))].filter((tag) => tag.includes(request.query.get('query') ?? '')).map((name) => ({ name })), metadata: {} })
  if (path === '/creators') {
    const names = [...new Set(there.map(({ creator }) => creator))].filter((name) => name.includes(request.query.get('query') ?? ''))
    return ok({ items: names.map((username) => ({ username, modelCount: there.filter(({ creator }) => creator === username).length })), metadata: { totalItems: names.length } })
  }
  const [, kind, wanted = ''] = /^\/(models|model-versions\/by-hash|model-versions)\/([^/]+)$/.exec(path) ?? []
  if (kind === 'models') {
    const model = there.find((one) => one.id === Number(wanted))
    return model ? ok(modelDocument(model, origins())) : notFound(`No model with id ${wanted}`)
  }
  const found = kind === 'model-versions' ? catalogue.version(Number(wanted)) : kind === undefined ? undefined : catalogue.byHash(wanted)
  return found?.model.inCivitai ? ok(versionDocument(found.model, found.version, origins())) : notFound('Model not found')
}

function listModels (query: URLSearchParams, there: readonly CatalogueModel[], origins: Origins): ApiAnswer {
  const ids = query.get('ids')?.split(',').map(Number)
  if (ids && ids.length > 100) return { status: 400, body: { error: 'Too many ids' } }
  const limit = Math.min(100, Number(query.get('limit') ?? 100))
  const username = query.get('username')
  const matching = there.filter(({ id, creator }) => (!ids || ids.includes(id)) && (username === null || creator === username)).sort((one, other) => other.id - one.id)
  const start = Number(query.get('cursor') ?? 0)
  const next = start + limit < matching.length ? String(start + limit) : undefined
  return ok({ items: matching.slice(start, start + limit).map((model) => modelDocument(model, origins)), metadata: { ...(next !== undefined && { nextCursor: next }) } })
}

function byHashes ({ method, body }: SeenRequest, idsOnly: boolean, catalogue: Catalogue, origins: Origins): ApiAnswer {
  const hashes: unknown = method === 'POST' ? JSON.parse(body) : null
  if (!Array.isArray(hashes) || hashes.length > (idsOnly ? 10_000 : 100)) return { status: 400, body: { code: 'BAD_REQUEST', message: 'Too many hashes', issues: [] } }
  const found = hashes.map((hash) => catalogue.byHash(String(hash))).filter((added) => added?.model.inCivitai).filter((added) => added !== undefined)
  if (idsOnly) return ok(found.map(({ version, file }) => ({ modelVersionId: version.id, hash: file.sha256.toUpperCase() })))
  const versions = new Map(found.map((added) => [added.version.id, added]))
  return ok([...versions.values()].map(({ model, version }) => versionDocument(model, version, origins)))
}

function images (query: URLSearchParams, there: readonly CatalogueModel[], origins: Origins): ApiAnswer {
  const wanted = (key: string, value: number): boolean => !query.has(key) || Number(query.get(key)) === value
  const items = there.filter(({ id }) => wanted('modelId', id)).flatMap(({ versions }) => versions.filter(({ id }) => wanted('modelVersionId', id)))
    .flatMap((version) => version.images.filter(({ id }) => wanted('imageId', id)).map((image) => ({ ...imageDocument(image, origins), modelVersionIds: [version.id] })))
  return ok({ items: items.slice(0, Number(query.get('limit') ?? 100)), metadata: {} })
}

function download (request: SeenRequest, versionId: number, authorized: boolean, { catalogue, origins }: ApiOptions): ApiAnswer {
  const found = catalogue.version(versionId)
  const fileId = request.query.get('fileId')
  const file = fileId === null ? found?.version.files.find(({ primary }) => primary) : found?.version.files.find(({ id }) => id === Number(fileId))
  if (!found?.model.inCivitai || !file) return notFound('File not found')
  if (file.gate !== null && !authorized) return { status: 401, body: { error: 'Unauthorized', message: 'The creator of this asset requires you to be logged in to download it' } }
  if (file.gate === 'early-access') return { status: 403, body: { error: 'Forbidden', message: 'This asset is in Early Access; purchase it to download', deadline: found.version.extra.earlyAccessEndsAt ?? null } }
  return { status: 307, body: {}, headers: { location: `${origins().storage}/files/${file.id}/${encodeURIComponent(file.name)}?signature=canary-signature&expires=86400` } }
}

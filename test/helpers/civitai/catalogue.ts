import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createReadStream } from 'node:fs'

/** Where the bytes of a file come from. `synthetic` bytes are made on the way: any size, the same for the same seed. */
export type Bytes = { path: string } | { bytes: Buffer } | { synthetic: number }

export interface CatalogueFile {
  id: number
  name: string
  type: string
  size: number
  /** Lower-case. */
  sha256: string
  autov3: string | null
  source: Bytes
  primary: boolean
  format: string
  etag: string
  /** `login`: only with a key; `early-access`: not even with one. */
  gate: 'login' | 'early-access' | null
}

export interface CatalogueVersion {
  id: number
  name: string
  baseModel: string
  trainedWords: string[]
  publishedAt: string
  files: CatalogueFile[]
  images: { id: number, nsfwLevel: number, type: 'image' | 'video' }[]
  /** Laid over the answered document. */
  extra: Record<string, unknown>
}

export interface CatalogueModel {
  id: number
  name: string
  type: string
  tags: string[]
  creator: string
  description: string
  /** Newest first. */
  versions: CatalogueVersion[]
  inCivitai: boolean
  inCivarchive: boolean
  /** Laid over the answered document. */
  extra: Record<string, unknown>
}

export interface NewFile {
  name: string
  source: Bytes
  /** Needed for synthetic files; read from the bytes otherwise. */
  size?: number
  sha256?: string
  autov3?: string
  fileType?: string
  primary?: boolean
  gate?: CatalogueFile['gate']
  /** Adds a file to this version. */
  versionId?: number
  /** Adds a version to this model. */
  modelId?: number
  modelName?: string
  versionName?: string
  modelType?: string
  baseModel?: string
  trainedWords?: string[]
  tags?: string[]
  creator?: string
  description?: string
  images?: { nsfwLevel?: number, type?: 'image' | 'video' }[]
  inCivitai?: boolean
  inCivarchive?: boolean
  versionExtra?: Record<string, unknown>
  modelExtra?: Record<string, unknown>
}

export interface Added { model: CatalogueModel, version: CatalogueVersion, file: CatalogueFile }

export interface Catalogue {
  models: Map<number, CatalogueModel>
  add (file: NewFile): Promise<Added>
  version (id: number): { model: CatalogueModel, version: CatalogueVersion } | undefined
  file (id: number): Added | undefined
  /** By SHA-256, AutoV2 or AutoV3. */
  byHash (hash: string): Added | undefined
}

const BLOCK = 1024 * 1024

export function createCatalogue (): Catalogue {
  const models = new Map<number, CatalogueModel>()
  const versions = new Map<number, { model: CatalogueModel, version: CatalogueVersion }>()
  const files = new Map<number, Added>()
  const hashes = new Map<string, Added>()
  let last = 0

  function modelFor (given: NewFile): CatalogueModel {
    const known = given.modelId === undefined ? undefined : models.get(given.modelId)
    if (known) return known
    const model: CatalogueModel = {
      id: given.modelId ?? 1000 + last,
      name: given.modelName ?? given.name.replace(/\.[^.]+$/, ''),
      type: given.modelType ?? 'LORA',
      tags: given.tags ?? ['style', 'anime'],
      creator: given.creator ?? 'painter',
      description: given.description ?? '<p>A model for tests</p>',
      versions: [],
      inCivitai: given.inCivitai ?? true,
      inCivarchive: given.inCivarchive ?? false,
      extra: given.modelExtra ?? {}
    }
    models.set(model.id, model)
    return model
  }

  function versionFor (given: NewFile): { model: CatalogueModel, version: CatalogueVersion } {
    const known = given.versionId === undefined ? undefined : versions.get(given.versionId)
    if (known) return known
    const model = modelFor(given)
    const id = given.versionId ?? 200_000 + last
    const version: CatalogueVersion = {
      id,
      name: given.versionName ?? `v${model.versions.length + 1}.0`,
      baseModel: given.baseModel ?? 'SDXL 1.0',
      trainedWords: given.trainedWords ?? [`word${last}`],
      publishedAt: new Date(Date.UTC(2024, 0, 1) + last * 3_600_000).toISOString(),
      files: [],
      images: (given.images ?? [{}]).map(({ nsfwLevel = 1, type = 'image' }, at) => ({ id: id * 10 + at, nsfwLevel, type })),
      extra: given.versionExtra ?? {}
    }
    model.versions.unshift(version)
    versions.set(id, { model, version })
    return { model, version }
  }

  return {
    models,
    async add (given) {
      last++
      const size = given.size ?? await lengthOf(given.source)
      const sha256 = (given.sha256 ?? await hashOf(given.source, size)).toLowerCase()
      const { model, version } = versionFor(given)
      const file: CatalogueFile = {
        id: 3_000_000 + last,
        name: given.name,
        type: given.fileType ?? 'Model',
        size,
        sha256,
        autov3: given.autov3?.toLowerCase() ?? null,
        source: given.source,
        primary: given.primary ?? version.files.length === 0,
        format: /\.safetensors$/i.test(given.name) ? 'SafeTensor' : /\.zip$/i.test(given.name) ? 'Other' : 'PickleTensor',
        etag: `"${sha256.slice(0, 32)}"`,
        gate: given.gate ?? null
      }
      version.files.push(file)
      const added = { model, version, file }
      files.set(file.id, added)
      for (const hash of [sha256, sha256.slice(0, 10), file.autov3]) if (hash !== null) hashes.set(hash, added)
      return added
    },
    version: (id) => versions.get(id),
    file: (id) => files.get(id),
    byHash: (hash) => hashes.get(hash.toLowerCase())
  }
}

/** The bytes from `start` to before `end`. */
export function readBytes (source: Bytes, start: number, end: number): Readable {
  if (end <= start) return Readable.from([])
  if ('path' in source) return createReadStream(source.path, { start, end: end - 1, highWaterMark: BLOCK })
  if ('bytes' in source) return Readable.from([source.bytes.subarray(start, end)])
  return Readable.from(synthetic(source.synthetic, start, end), { highWaterMark: 2 })
}

/** Blocks that all differ, so that a splice at a wrong place is a wrong hash. */
function * synthetic (seed: number, start: number, end: number): Generator<Buffer> {
  const pattern = Buffer.alloc(BLOCK)
  for (let at = 0, value = seed >>> 0; at < BLOCK; at += 4) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0
    pattern.writeUInt32LE(value, at)
  }
  for (let block = Math.floor(start / BLOCK); block * BLOCK < end; block++) {
    const bytes = Buffer.from(pattern)
    bytes.writeUInt32LE(block, 0)
    bytes.writeUInt32LE(block ^ 0xabcdef, BLOCK / 2)
    yield bytes.subarray(Math.max(0, start - block * BLOCK), Math.min(BLOCK, end - block * BLOCK))
  }
}

async function lengthOf (source: Bytes): Promise<number> {
  if ('bytes' in source) return source.bytes.length
  if ('path' in source) return (await import('node:fs/promises').then(({ stat }) => stat(source.path))).size
  throw new Error('A synthetic file needs a size')
}

async function hashOf (source: Bytes, size: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of readBytes(source, 0, size) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

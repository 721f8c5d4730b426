import { clip, fit } from '../civitai/fit.ts'
import { CivitaiVersion, type CivitaiVersionDocument } from '../civitai/schema.ts'
import { isObject, readText } from '../models/read-value.ts'

type Raw = Record<string, unknown>

export interface ArchivedAnswer {
  /** In CivitAI's shape; null when the answer holds files only. */
  version: CivitaiVersionDocument | null
  versions: CivitaiVersionDocument[]
  contextModelId: number | null
  name: string
  type: string
  /** Ids that bare file rows name. */
  fileRows: { modelId: number, versionId: number }[]
}

/** Reads an answer in any of its wrappings: under `data`, the version under `version` or `model.version`, or nothing but file rows. */
export function readArchived (value: unknown): ArchivedAnswer | null {
  const clipped = clip(value)
  const payload = isObject(clipped) && (isObject(clipped.data) || Array.isArray(clipped.data)) ? clipped.data : clipped
  if (Array.isArray(payload)) return { ...nothing, fileRows: rowsOf(payload) }
  if (!isObject(payload)) return null
  const model = isObject(payload.model) ? payload.model : {}
  const context: Raw = isObject(payload.model) ? { ...payload, ...model } : payload
  const raw = isObject(payload.version) ? payload.version : isObject(model.version) ? model.version : null
  const listed = Array.isArray(context.versions) ? context.versions : Array.isArray(context.modelVersions) ? context.modelVersions : []
  const versions = listed.filter(isObject).map((item) => versionOf(item, context)).filter((item) => item !== null)
  return {
    version: raw ? versionOf(raw, context) : null,
    versions,
    contextModelId: idOf(context.id),
    name: readText(context.name),
    type: readText(context.type),
    fileRows: rowsOf(Array.isArray(payload.files) ? payload.files : [])
  }
}

const nothing = { version: null, versions: [], contextModelId: null, name: '', type: '' }

function versionOf (raw: Raw, context: Raw): CivitaiVersionDocument | null {
  const { trigger, nsfw_level: level, files, images, downloadCount, ratingCount, rating, deletedAt, ...rest } = raw
  const deleted = deletedAt ?? context.deletedAt
  return fit(CivitaiVersion, {
    ...rest,
    modelId: raw.modelId ?? context.id,
    nsfwLevel: raw.nsfwLevel ?? level,
    trainedWords: wordsOf(raw.trainedWords ?? trigger),
    stats: { downloadCount: downloadCount ?? 0, ratingCount: ratingCount ?? 0, rating: rating ?? 0 },
    files: (Array.isArray(files) ? files : []).filter(isObject).map(fileOf).sort((one, other) => rank(one) - rank(other)),
    images: Array.isArray(images) ? images : [],
    model: {
      name: readText(context.name),
      type: readText(context.type),
      nsfw: context.is_nsfw === true || context.nsfw === true,
      description: typeof context.description === 'string' ? context.description : null,
      tags: Array.isArray(context.tags) ? context.tags : []
    },
    creator: creatorOf(context),
    source: 'civarchive',
    is_deleted: deleted !== null && deleted !== undefined
  })
}

function wordsOf (value: unknown): string[] {
  const words = Array.isArray(value) ? value : [value]
  return words.filter((word): word is string => typeof word === 'string' && word !== '')
}

function creatorOf (context: Raw): Raw {
  const creator = isObject(context.creator) ? context.creator : {}
  const username = readText(creator.username) || readText(creator.name) || readText(context.creator_username) || readText(context.username) || readText(context.creator_name)
  return { ...creator, username, image: readText(creator.image) }
}

function fileOf (file: Raw): Raw & { name: string } {
  const mirrors = (Array.isArray(file.mirrors) ? file.mirrors : []).filter(isObject)
  const mirror = mirrors.find(({ deletedAt }) => deletedAt === null || deletedAt === undefined)
  const name = readText(file.name) || readText(mirror?.filename)
  const sha256 = readText(file.sha256) || (isObject(file.hashes) ? readText(file.hashes.SHA256) : '')
  const format = formatOf(name)
  return {
    id: file.id,
    sizeKB: file.sizeKB ?? file.size_kb,
    name,
    type: readText(file.type) || 'Model',
    downloadUrl: readText(file.downloadUrl) || readText(mirror?.url),
    primary: true,
    mirrors,
    hashes: sha256 === '' ? {} : { SHA256: sha256.toUpperCase() },
    metadata: format === null ? {} : { format }
  }
}

function formatOf (name: string): string | null {
  return /\.safetensors$/i.test(name) ? 'SafeTensor' : /\.ckpt$/i.test(name) ? 'PickleTensor' : null
}

const rank = ({ name }: { name: string }): number => /\.safetensors$/i.test(name) ? 0 : /\.ckpt$/i.test(name) ? 1 : 2

function rowsOf (rows: readonly unknown[]): ArchivedAnswer['fileRows'] {
  return rows.filter(isObject).flatMap((row) => {
    const modelId = idOf(row.model_id)
    const versionId = idOf(row.model_version_id)
    return modelId === null || versionId === null ? [] : [{ modelId, versionId }]
  })
}

function idOf (value: unknown): number | null {
  const id = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : null
}

import type { CatalogueFile, CatalogueModel, CatalogueVersion } from './catalogue.ts'

export interface Origins { civitai: string, storage: string }

/** Documents in the shapes of the public API reference. */
export function fileDocument ({ id, name, type, size, sha256, autov3, primary, format }: CatalogueFile, version: CatalogueVersion, { civitai }: Origins) {
  const upper = sha256.toUpperCase()
  return {
    id,
    name,
    type,
    sizeKB: size / 1024,
    metadata: { format, size: 'pruned', fp: 'fp16' },
    pickleScanResult: 'Success',
    virusScanResult: 'Success',
    hashes: { AutoV2: upper.slice(0, 10), SHA256: upper, ...(autov3 !== null && { AutoV3: autov3.toUpperCase() }) },
    downloadUrl: `${civitai}/api/download/models/${version.id}${primary ? '' : `?fileId=${id}`}`,
    ...(primary && { primary })
  }
}

export function imageDocument ({ id, nsfwLevel, type }: CatalogueVersion['images'][number], { storage }: Origins) {
  return {
    id,
    url: `${storage}/media/original=true/${id}.${type === 'video' ? 'mp4' : 'png'}`,
    nsfwLevel,
    type,
    width: 512,
    height: 768,
    hash: 'UA8N5},:Ioni~C#laKxaoznNwvx]XmRkVstR',
    meta: { prompt: `picture ${id}`, steps: 20, sampler: 'Euler a', seed: id, comfy: '{"prompt":{}}' }
  }
}

/** As in the list of its model. */
export function listedVersion (version: CatalogueVersion, origins: Origins): Record<string, unknown> {
  return {
    id: version.id,
    name: version.name,
    baseModel: version.baseModel,
    baseModelType: 'Standard',
    createdAt: version.publishedAt,
    publishedAt: version.publishedAt,
    availability: 'Public',
    nsfwLevel: 1,
    description: null,
    trainedWords: version.trainedWords,
    stats: { downloadCount: 10, thumbsUpCount: 2 },
    files: version.files.map((file) => fileDocument(file, version, origins)),
    images: version.images.map((image) => imageDocument(image, origins)),
    downloadUrl: `${origins.civitai}/api/download/models/${version.id}`,
    ...version.extra
  }
}

/** As the endpoints of versions answer it. */
export function versionDocument (model: CatalogueModel, version: CatalogueVersion, origins: Origins): Record<string, unknown> {
  const { extra } = version
  return {
    ...listedVersion(version, origins),
    modelId: model.id,
    air: `urn:air:sdxl:${model.type.toLowerCase()}:civitai:${model.id}@${version.id}`,
    status: 'Published',
    usageControl: 'Download',
    earlyAccessEndsAt: null,
    model: { name: model.name, type: model.type, nsfw: false, poi: false },
    ...extra
  }
}

export function modelDocument (model: CatalogueModel, origins: Origins): Record<string, unknown> {
  return {
    id: model.id,
    name: model.name,
    description: model.description,
    type: model.type,
    nsfw: false,
    nsfwLevel: 1,
    poi: false,
    allowNoCredit: true,
    allowCommercialUse: '{Image,RentCivit}',
    allowDerivatives: true,
    allowDifferentLicense: true,
    stats: { downloadCount: 10, thumbsUpCount: 2 },
    creator: { username: model.creator, image: `${origins.storage}/media/original=true/1.png` },
    tags: model.tags,
    modelVersions: model.versions.map((version) => listedVersion(version, origins)),
    ...model.extra
  }
}

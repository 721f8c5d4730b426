import type { Random } from './random.ts'
import { baseModels, creators, names, tags } from './words.ts'

/** What a generated model is, before its files are written. */
export interface ModelFacts {
  type: 'lora' | 'checkpoint' | 'embedding'
  fileName: string
  title: string
  version: string
  baseModel: string
  tags: string[]
  creator: string
  /** CivitAI ids; several versions share a model id. */
  modelId: number
  versionId: number
  nsfwLevel: number
  triggerWords: string[]
}

const VERSION_NAMES = ['v1.0', 'v2.0', 'v3.0', 'alt', 'final']
const LEVELS = [1, 1, 1, 2, 2, 4, 8, 16]
/** About one model in this many starts a new CivitAI model; the others are further versions of it. */
const VERSIONS_PER_MODEL = 1.6

export function inventFacts (random: Random, type: ModelFacts['type'], index: number): ModelFacts {
  const modelId = 1_000 + Math.floor(index / VERSIONS_PER_MODEL)
  const title = random.pick(names)
  const tagCount = random.chance(0.05) ? 0 : 1 + random.below(6)
  return {
    type,
    fileName: `${title.replaceAll(' ', '_')}_${index.toString(36)}`,
    title: title.replace(/\b./g, (letter) => letter.toUpperCase()),
    version: VERSION_NAMES[index % VERSION_NAMES.length] ?? 'v1.0',
    baseModel: random.skewed(baseModels, 2),
    tags: [...new Set(Array.from({ length: tagCount }, () => random.skewed(tags, 4)))],
    creator: random.skewed(creators, 2.5),
    modelId,
    versionId: 500_000 + index,
    nsfwLevel: random.pick(LEVELS),
    triggerWords: Array.from({ length: 1 + random.below(4) }, () => `${random.pick(names)} look`)
  }
}

export interface FileFacts { path: string, size: number, sha256: string, previewPath: string, autov3: string, modified: number }

/** A complete sidecar as a library of some years holds them: 2 to 5 KB, most of it CivitAI's answer. */
export function sidecarText (random: Random, facts: ModelFacts, file: FileFacts): string {
  return JSON.stringify({
    file_name: facts.fileName,
    model_name: facts.title,
    file_path: file.path,
    size: file.size,
    modified: file.modified,
    sha256: file.sha256,
    base_model: facts.baseModel,
    preview_url: file.previewPath,
    preview_nsfw_level: facts.nsfwLevel,
    notes: random.chance(0.1) ? `Works well at ${0.5 + random.below(5) / 10} with ${random.pick(names)}.` : '',
    from_civitai: true,
    civitai: civitaiVersion(random, facts, file),
    tags: facts.tags,
    modelDescription: `<p>${facts.title} was trained on ${20 + random.below(400)} pictures of a ${random.pick(names)}.</p>`,
    civitai_deleted: false,
    favorite: random.chance(0.04),
    exclude: false,
    db_checked: false,
    skip_metadata_refresh: false,
    metadata_source: 'civitai_api',
    last_checked_at: file.modified + 60,
    hash_status: 'completed',
    autov3: file.autov3,
    ...(facts.type === 'lora' ? { usage_tips: random.chance(0.2) ? '{"strength": 0.8}' : '{}' } : { sub_type: facts.type })
  }, null, 2)
}

function civitaiVersion (random: Random, facts: ModelFacts, file: FileFacts): Record<string, unknown> {
  return {
    id: facts.versionId,
    modelId: facts.modelId,
    name: facts.version,
    createdAt: '2024-03-01T10:00:00.000Z',
    baseModel: facts.baseModel,
    trainedWords: facts.triggerWords,
    nsfwLevel: facts.nsfwLevel,
    description: `<p>${facts.version}</p>`,
    model: {
      name: facts.title,
      type: { lora: random.chance(0.15) ? 'LoCon' : 'LORA', checkpoint: 'Checkpoint', embedding: 'TextualInversion' }[facts.type],
      nsfw: facts.nsfwLevel >= 4,
      poi: false,
      tags: facts.tags,
      allowNoCredit: random.chance(0.7),
      allowCommercialUse: random.chance(0.5) ? ['Image', 'RentCivit'] : [],
      allowDerivatives: true,
      allowDifferentLicense: random.chance(0.5)
    },
    creator: { username: facts.creator, image: null },
    files: [{
      id: facts.versionId + 1,
      name: `${facts.fileName}.safetensors`,
      type: 'Model',
      primary: true,
      sizeKB: file.size / 1024,
      hashes: { SHA256: file.sha256.toUpperCase(), AutoV2: file.sha256.slice(0, 10).toUpperCase(), AutoV3: file.autov3.toUpperCase(), CRC32: random.hex(8).toUpperCase(), BLAKE3: random.hex(64).toUpperCase() },
      metadata: { format: 'SafeTensor', size: 'full', fp: 'fp16' }
    }],
    images: Array.from({ length: 2 + random.below(4) }, () => exampleImage(random, facts))
  }
}

function exampleImage (random: Random, facts: ModelFacts): Record<string, unknown> {
  const id = 10_000_000 + random.below(50_000_000)
  return {
    id,
    url: `https://image.civitai.com/${random.hex(12)}/original=true/${id}.jpeg`,
    type: 'image',
    nsfwLevel: facts.nsfwLevel,
    width: 832,
    height: 1216,
    hasMeta: true,
    hasPositivePrompt: true,
    meta: {
      prompt: `masterpiece, ${random.pick(names)}, ${random.pick(names)}, ${facts.triggerWords.join(', ')}, soft light`,
      negativePrompt: 'lowres, blurry, watermark',
      sampler: 'Euler a',
      cfgScale: 4 + random.below(5),
      steps: 20 + random.below(20),
      seed: random.below(4_000_000_000)
    }
  }
}

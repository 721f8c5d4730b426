import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawLandscape } from './drawing.ts'
import { createRandom, type Random } from './random.ts'
import { inventFacts, sidecarText, type ModelFacts } from './sidecar.ts'
import { baseModels, categories } from './words.ts'

export interface LibraryOptions {
  /** Where `loras/`, `checkpoints/` and `embeddings/` go; made when missing. */
  directory: string
  /** LoRAs; one checkpoint and one embedding come with every hundred of them. */
  models: number
  seed: number
  /** Share of the models that have a sidecar, a preview. */
  sidecars?: number
  previews?: number
  /** A drawing for every preview rather than links to a dozen of them. */
  ownPreviews?: boolean
}

export interface GeneratedLibrary {
  directory: string
  counts: { loras: number, checkpoints: number, embeddings: number, sidecars: number, previews: number, folders: number }
  /** A few hundred LoRAs, evenly spread, for queries that should find something. */
  samples: (ModelFacts & { path: string, folder: string, sha256: string, previewPath: string })[]
}

const kinds = [
  { type: 'lora', folder: 'loras' },
  { type: 'checkpoint', folder: 'checkpoints' },
  { type: 'embedding', folder: 'embeddings' }
] as const

const MODELS_PER_FOLDER = 84
const DRAWINGS = 12
const SAMPLES = 400
/** One model in this many has the very bytes of an earlier one. */
const DUPLICATE_EVERY = 200
const FIRST_IMPORT = 1_650_000_000

/** Writes a library: valid tiny safetensors files, sidecars and previews. Same options, same library. */
export function makeLibrary (options: LibraryOptions): GeneratedLibrary {
  const library: GeneratedLibrary = {
    directory: options.directory,
    counts: { loras: options.models, checkpoints: Math.ceil(options.models / 100), embeddings: Math.ceil(options.models / 100), sidecars: 0, previews: 0, folders: 0 },
    samples: []
  }
  const previews = createPreviews(options, join(options.directory, '.drawings'))
  for (const [index, kind] of kinds.entries()) {
    makeKind(options, library, kind, createRandom(options.seed * 7 + index), previews)
  }
  return library
}

function makeKind (options: LibraryOptions, library: GeneratedLibrary, { type, folder: root }: typeof kinds[number], random: Random, preview: PreviewSource): void {
  const count = library.counts[root]
  const folders = makeFolders(join(options.directory, root), random, Math.max(1, Math.ceil(count / MODELS_PER_FOLDER)))
  library.counts.folders += folders.length
  const sampleEvery = Math.max(1, Math.floor(count / SAMPLES))
  let last: Buffer | undefined
  for (let index = 0; index < count; index++) {
    const facts = inventFacts(random, type, index)
    // Creators and their series lie together, so neighbours share a folder.
    const folder = folders[Math.floor(index / count * folders.length)] ?? ''
    const stem = join(options.directory, root, folder, facts.fileName)
    const autov3 = random.hex(12)
    const bytes: Buffer = last && index % DUPLICATE_EVERY === 0 ? last : weights(facts, autov3, random)
    last = bytes
    writeFileSync(`${stem}.safetensors`, bytes)
    const previewPath = random.chance(options.previews ?? 0.5) ? preview(stem, random) : ''
    if (previewPath) library.counts.previews++
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const path = `${stem}.safetensors`
    if (random.chance(options.sidecars ?? 1)) {
      const modified = FIRST_IMPORT + random.below(80_000_000) + 0.5
      writeFileSync(`${stem}.metadata.json`, sidecarText(random, facts, { path, size: bytes.length, sha256, previewPath, autov3, modified }))
      library.counts.sidecars++
    }
    if (type === 'lora' && index % sampleEvery === 0) library.samples.push({ ...facts, path, folder, sha256, previewPath })
  }
}

/** Two levels: base model, then category and a running number. */
function makeFolders (root: string, random: Random, count: number): string[] {
  mkdirSync(root, { recursive: true })
  return Array.from({ length: count }, (_, index) => {
    const base = random.skewed(baseModels, 2).replaceAll(' ', '-')
    const folder = count === 1 ? '' : `${base}/${random.pick(categories)}-${index}`
    mkdirSync(join(root, folder), { recursive: true })
    return folder
  })
}

/** A safetensors file: length of the header, the header, one small tensor. */
function weights (facts: ModelFacts, autov3: string, random: Random): Buffer {
  const data = Buffer.from(random.hex(64), 'hex')
  const name = { lora: 'lora_unet_down_blocks_0.lora_up.weight', checkpoint: 'model.diffusion_model.input_blocks.0.0.weight', embedding: 'emb_params' }[facts.type]
  const header = Buffer.from(JSON.stringify({
    __metadata__: {
      sshs_model_hash: autov3 + random.hex(52),
      ss_base_model_version: facts.baseModel === 'SD 1.5' ? 'sd_v1' : 'sdxl_base_v1-0',
      ss_output_name: facts.fileName,
      ss_tag_frequency: JSON.stringify({ '10_train': Object.fromEntries(facts.triggerWords.map((word) => [word, 10 + random.below(90)])) })
    },
    [name]: { dtype: 'F16', shape: [data.length / 2], data_offsets: [0, data.length] }
  }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, data])
}

/** Puts a preview beside the model and answers its path. */
type PreviewSource = (stem: string, random: Random) => string

function createPreviews (options: LibraryOptions, directory: string): PreviewSource {
  if (options.ownPreviews) {
    return (stem, random) => {
      writeFileSync(`${stem}.png`, drawLandscape(random, 400, 560))
      return `${stem}.png`
    }
  }
  const random = createRandom(options.seed + 1)
  mkdirSync(directory, { recursive: true })
  // 30 to 100 KB each, as previews of libraries are.
  const drawings = Array.from({ length: DRAWINGS }, (_, index) => {
    const file = join(directory, `${index}.png`)
    writeFileSync(file, drawLandscape(random, 240, 320, 0.008 + 0.004 * index))
    return file
  })
  return (stem, source) => {
    linkSync(source.pick(drawings), `${stem}.png`)
    return `${stem}.png`
  }
}

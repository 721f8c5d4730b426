import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GeneratedLibrary } from './library.ts'
import { createRandom, type Random } from './random.ts'
import { recipePicture } from './recipe-picture.ts'
import { baseModels, names, tags } from './words.ts'

export interface RecipesOptions {
  /** The recipe directory; made when missing. */
  directory: string
  recipes: number
  seed: number
  /** LoRAs that recipes use. */
  samples: GeneratedLibrary['samples']
  /** A picture for every recipe rather than links to a few of them. */
  ownPictures?: boolean
}

const FOLDERS = ['', '', 'portraits', 'landscapes', 'landscapes/sea', 'tests']
const PICTURES = 8
const FIRST_SAVED = 1_700_000_000

/** Writes recipes as programs of the family do, each with an image; same options, same recipes. */
export async function makeRecipes ({ directory, recipes, seed, samples, ownPictures = false }: RecipesOptions): Promise<void> {
  const random = createRandom(seed)
  for (const folder of FOLDERS) mkdirSync(join(directory, folder), { recursive: true })
  const shared: string[] = []
  const drawn = join(directory, '.pictures')
  mkdirSync(drawn, { recursive: true })
  for (let index = 0; index < (ownPictures ? 0 : PICTURES); index++) {
    const file = join(drawn, `${index}.webp`)
    writeFileSync(file, await recipePicture(random))
    shared.push(file)
  }
  for (let index = 0; index < recipes; index++) {
    const id = `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`
    const folder = random.pick(FOLDERS)
    const image = join(directory, folder, `${id}.webp`)
    if (ownPictures) writeFileSync(image, await recipePicture(random))
    else linkSync(random.pick(shared), image)
    writeFileSync(join(directory, folder, `${id}.recipe.json`), JSON.stringify(inventRecipe(random, { id, folder, image, index }, samples), null, 4))
  }
}

function inventRecipe (random: Random, { id, folder, image, index }: { id: string, folder: string, image: string, index: number }, samples: GeneratedLibrary['samples']): Record<string, unknown> {
  const saved = FIRST_SAVED + index * 60 + random.float()
  const loras = Array.from({ length: random.below(5) }, () => inventLora(random, samples))
  return {
    id,
    file_path: image,
    title: random.chance(0.3) ? `${random.pick(names)} ${random.below(40)}` : random.pick(names),
    modified: saved,
    created_date: saved,
    base_model: random.skewed(baseModels),
    loras,
    gen_params: {
      prompt: Array.from({ length: 12 + random.below(30) }, () => random.pick(names)).join(', '),
      negative_prompt: Array.from({ length: 4 + random.below(8) }, () => random.pick(tags)).join(', '),
      steps: 20 + random.below(20),
      sampler: random.pick(['Euler a', 'DPM++ 2M', 'dpmpp_2m_sde']),
      cfg_scale: 4 + random.below(8) / 2,
      seed: random.below(4_000_000_000),
      size: '832x1216'
    },
    has_workflow: random.chance(0.3),
    checkpoint: { type: 'checkpoint', name: random.pick(names), version: 'v1', modelVersionId: 1 + random.below(900), hash: random.hex(64), file_name: random.pick(names).replaceAll(' ', '_') },
    tags: Array.from({ length: random.below(4) }, () => random.skewed(tags)),
    ...(random.chance(0.4) && { source_path: `https://civitai.com/images/${1 + random.below(90_000_000)}` }),
    preview_nsfw_level: random.pick([1, 1, 1, 2, 4, 8]),
    folder,
    favorite: random.chance(0.05)
  }
}

/** One of the library, or one that is missing. */
function inventLora (random: Random, samples: GeneratedLibrary['samples']): Record<string, unknown> {
  const strength = random.pick([1, 0.8, 0.65, 0.5])
  const own = random.chance(0.7) && samples.length > 0 ? random.pick(samples) : null
  if (own) return { file_name: own.fileName, hash: own.sha256, strength, modelVersionId: own.versionId, modelName: own.title, modelVersionName: own.version, isDeleted: false, exclude: false }
  const name = random.pick(names)
  return { file_name: '', hash: random.hex(64), strength, modelVersionId: 1 + random.below(9000), modelName: name, modelVersionName: 'v2', isDeleted: random.chance(0.2), exclude: false }
}

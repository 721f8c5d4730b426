import { MAX_LORAS, checkpointOf, genParams, loraOf, parsedImage, present } from './parsed-image.ts'
import { stemKey, stemOf } from './model-file.ts'
import { promptTags } from './prompt-tags.ts'
import { fieldsIn, fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeOf, type Fields } from './read-fields.ts'
import type { MetadataParser, ParsedModel, ParsedLora } from './types.ts'

/** SwarmUI's own JSON; a graph beside it says the same less plainly. */
export const swarm: MetadataParser = {
  name: 'swarm',
  parse (evidence) {
    for (const text of evidence.candidates()) {
      const root = fieldsOfText(text, evidence.json)
      if (!root || !('sui_image_params' in root)) continue
      const params = fieldsIn(root.sui_image_params)
      const models = listIn(root.sui_models).slice(0, MAX_LORAS).map(fieldsIn)
      return parsedImage('swarmui', 'from_sui_image_params', {
        genParams: genParams({
          prompt: promptIn(params.prompt),
          negative_prompt: promptIn(params.negativeprompt) ?? promptIn(params.negative_prompt),
          steps: integerIn(params.steps),
          sampler: nameIn(params.sampler),
          scheduler: nameIn(params.scheduler),
          cfg_scale: numberIn(params.cfgscale) ?? numberIn(params.cfg_scale),
          seed: seedIn(params.seed),
          size: sizeOf(params.width, params.height),
          denoising_strength: numberIn(params.initimagecreativity)
        }),
        loras: lorasOf(params, models),
        checkpoint: checkpointIn(params, models),
        hires: hiresOf(params),
        hasWorkflow: evidence.text('workflow') !== undefined
      })
    }
    return null
  }
}

const isLora = (model: Fields): boolean => /^lora/i.test(nameIn(model.param) ?? '') || (model.param === undefined && /lora/i.test(nameIn(model.name) ?? ''))
const isOther = (model: Fields): boolean => /vae|clip|t5|encoder|refiner|controlnet|upscale/i.test(nameIn(model.param) ?? '')

/** Parallel lists of names and weights; hashes stand with the models. Tags of the prompt add what the lists leave out. */
function lorasOf (params: Fields, models: readonly Fields[]): ParsedLora[] {
  const hashed = models.filter(isLora)
  const weights = listIn(params.loraweights)
  const names = listIn(params.loras).slice(0, MAX_LORAS).map((name) => nameIn(name) ?? '')
  const found = names.map((name, index) => {
    const model = hashed.find((entry) => stemKey(nameIn(entry.name) ?? '') === stemKey(name))
    return loraOf({ name: stemOf(name), fileName: name, hash: model?.hash, strength: weights[index] })
  })
  const tags = promptTags(promptIn(params.prompt) ?? '').filter(({ kind }) => kind === 'lora')
  for (const model of hashed) {
    const name = nameIn(model.name) ?? ''
    if (names.some((other) => stemKey(other) === stemKey(name))) continue
    const tag = tags.find((other) => stemKey(other.name) === stemKey(name))
    found.push(loraOf({ name: stemOf(name), fileName: name, hash: model.hash, strength: tag?.strength, strengthFrom: 'tag' }))
  }
  for (const { name, strength } of tags) {
    if (found.some((lora) => lora && stemKey(lora.fileName) === stemKey(name))) continue
    found.push(loraOf({ name: stemOf(name), fileName: name, strength, strengthFrom: 'tag' }))
  }
  return present(found)
}

function checkpointIn (params: Fields, models: readonly Fields[]): ParsedModel | null {
  const model = models.find(({ param }) => param === 'model') ?? models.find((entry) => !isLora(entry) && !isOther(entry))
  const name = nameIn(model?.name) ?? nameIn(params.model) ?? ''
  return checkpointOf({ name: stemOf(name), fileName: name, hash: model?.hash })
}

function hiresOf (params: Fields): { scale?: number, upscaler?: string, denoise?: number } | null {
  const scale = numberIn(params.refinerupscale)
  const upscaler = nameIn(params.refinerupscalemethod)
  const denoise = numberIn(params.refinercontrolpercentage)
  if (scale === undefined || scale === 1) return null
  return { scale, ...(upscaler === undefined ? {} : { upscaler }), ...(denoise === undefined ? {} : { denoise }) }
}

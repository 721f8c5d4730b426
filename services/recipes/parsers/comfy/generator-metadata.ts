import { mergeLoras } from '../merge-loras.ts'
import { civitaiReference } from '../model-file.ts'
import { MAX_LORAS, checkpointOf, genParams, loraOf, present } from '../parsed-image.ts'
import { fieldsIn, fieldsOfText, integerIn, listIn, nameIn, numberIn, promptIn, seedIn, sizeOf } from '../read-fields.ts'
import type { Evidence, ParsedImage } from '../types.ts'

/** Parameters that make the nodes' own unnecessary. */
const ENOUGH = 3

/**
 * `extraMetadata` and `extra.airs` of CivitAI's generator: the parameters it was given, and its resources by version id. Answers
 * how they change what the nodes say; null when there are none.
 */
export function generatorMetadata (api: Record<string, unknown>, json: Evidence['json']): ((read: ParsedImage) => ParsedImage) | null {
  const extra = fieldsOfText(api.extraMetadata, json)
  const references = listIn(fieldsIn(api.extra).airs).slice(0, MAX_LORAS).map((air) => civitaiReference(nameIn(air) ?? '')).filter((reference) => reference !== null)
  if (!extra && references.length === 0) return null
  const strengths = new Map(listIn(extra?.resources).map(fieldsIn).map((resource) => [integerIn(resource.modelVersionId), resource.strength ?? resource.weight]))
  const loras = present(references.filter(({ type }) => /^(?:lora|lycoris|locon|dora)$/.test(type)).map((reference) => loraOf({ name: `Lora ${reference.modelId}`, ...reference, strength: strengths.get(reference.versionId) })))
  const main = references.find(({ type }) => type === 'checkpoint')
  const given = extra
    ? genParams({
      prompt: promptIn(extra.prompt),
      negative_prompt: promptIn(extra.negativePrompt),
      steps: integerIn(extra.steps),
      sampler: nameIn(extra.sampler),
      cfg_scale: numberIn(extra.cfgScale),
      seed: seedIn(extra.seed),
      size: sizeOf(extra.width, extra.height)
    })
    : {}
  return (read) => ({
    ...read,
    tool: 'civitai',
    genParams: Object.keys(given).length >= ENOUGH ? { ...pick(read), ...given } : { ...given, ...read.genParams },
    loras: mergeLoras(read.loras, loras),
    checkpoint: read.checkpoint ?? (main ? checkpointOf({ name: `Checkpoint ${main.modelId}`, versionId: main.versionId, modelId: main.modelId }) : null)
  })
}

/** What the generator never says, and the nodes know. */
function pick ({ genParams: { scheduler, size, clip_skip: clipSkip, denoising_strength: denoise } }: ParsedImage): ParsedImage['genParams'] {
  return genParams({ scheduler, size, clip_skip: clipSkip, denoising_strength: denoise })
}
